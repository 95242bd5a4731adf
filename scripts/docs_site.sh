#!/usr/bin/env bash
# Make a site of README.md, README_zh.md and docs/: both languages, with a search; a dead link is an error.
#   bash scripts/docs_site.sh                    then open outputs/site/index.html
#   OUT=path/to/folder bash scripts/docs_site.sh
# Needs the packages of requirements-docs.txt. Takes some seconds.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
take_at_most 0 "$@"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-$PWD/.venv/bin/python}
out=${OUT:-outputs/site}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# README leads to the pages; what else it leads to is not on the site, and stays as text.
first_page() {
    sed -E 's# \[[^]]*\]\(README[^)]*\)##; s#\[([^]]*)\]\(notebooks/[^)]*\)#\1#g; s#\]\(docs/(en|zh)/#](#g; s#\]\(docs/images/#](images/#g; s#\[([^]]*)\]\([A-Z]+(\.md)?\)#\1#g' "$1"
}

mkdir "$work/all"
for language in en zh; do
    other=zh name=中文 readme=README.md
    if [ "$language" = zh ]; then other=en name=English readme=README_zh.md; fi
    pages=$work/$language/pages
    mkdir -p "$pages/images"
    cp docs/images/* "$pages/images"
    cp docs/site.css "$pages"
    sed "s/^language = .*/language = \"$language\"/" docs/site.toml >"$work/$language/zensical.toml"
    for page in "$readme" docs/"$language"/*.md; do
        file=$(basename "$page")
        if [ "$page" = "$readme" ]; then file=index.md; fi
        {
            echo "<p align=\"right\"><a href=\"../$other/${file%.md}.html\" hreflang=\"$other\" lang=\"$other\">$name</a></p>"
            echo
            first_page "$page" | sed 's#(\.\./images/#(images/#g'
        } >"$pages/$file"
    done
    listed=$(grep -oE '^ +"[a-z_]+\.md"' docs/site.toml | tr -d ' "' | sort)
    if [ "$listed" != "$(cd "$pages" && ls ./*.md | sed 's#./##' | sort)" ]; then
        echo "docs_site.sh: expected in docs/$language the pages that nav in docs/site.toml lists" >&2
        exit 1
    fi
    (cd "$work/$language" && NO_COLOR=1 "$python" -m zensical build --clean --strict >log 2>&1) || {
        cat "$work/$language/log" >&2
        exit 1
    }
    cp -R "$work/$language/site" "$work/all/$language"
done
echo '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=en/index.html"><title>Weitiao</title><a href="en/index.html">English</a> <a href="zh/index.html">中文</a>' \
    >"$work/all/index.html"
mkdir -p "$out"
rm -rf "${out:?}"/*
cp -R "$work/all/." "$out"
echo "$out/index.html"
