"""Send a finished run to the Hugging Face Hub, or try again; scripts/push.sh calls this from anywhere.

    python scripts/push.py outputs/ner me/ner --dry_run     # list what would be sent; needs no network
    python scripts/push.py outputs/ner me/ner --private

Prints the address. The token is that of `hf auth login`, or HF_TOKEN.
"""

import argparse

from utils.options.arguments import run_script
from utils.running.hub import Destination, list_uploads


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="output directory of a run_*.py script")
    parser.add_argument("repo_id", help="owner/name on the Hub; created if it does not exist")
    parser.add_argument("--private", action="store_true", default=None, help="make a new repository private")
    parser.add_argument("--revision", help="branch to write to, created if it does not exist; main if not given")
    parser.add_argument("--overwrite", action="store_true", help="replace another model, or one with other labels")
    parser.add_argument("--dry_run", action="store_true", help="list what would be sent, and send nothing")
    args = parser.parse_args(argv)
    if args.dry_run:
        uploads = list_uploads(args.folder, repo_id=args.repo_id)
        for each in uploads:
            print(f"{each.size:>12,}  {each.name}")
        print(f"{sum(each.size for each in uploads):>12,}  bytes in {len(uploads)} files would go to {args.repo_id}")
        return
    destination = Destination(args.repo_id, private=args.private, revision=args.revision)
    print(destination.push(args.folder, overwrite=args.overwrite))


if __name__ == "__main__":
    run_script(main)
