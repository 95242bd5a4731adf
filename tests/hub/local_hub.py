"""A Hugging Face Hub on loopback, with the endpoints that huggingface_hub calls to push and to load; LFS included.

    with LocalHub() as hub:
        HfApi(endpoint=hub.url, token=hub.token).whoami()

Commits are kept, so that a model can be loaded at any of them. `requests` lists what was asked for; `failing` makes
the server hang up on, or refuse, requests that match.
"""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

USER = "tester"
ROUTES = {
    "whoami": r"GET /api/whoami-v2",
    "check_card": r"POST /api/validate-yaml",
    "create": r"POST /api/repos/create",
    "info": r"GET /api/models/(?P<repo>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?",
    "branch": r"POST /api/models/(?P<repo>[^/]+/[^/]+)/branch/(?P<revision>[^/]+)",
    "preupload": r"POST /api/models/(?P<repo>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)",
    "commit": r"POST /api/models/(?P<repo>[^/]+/[^/]+)/commit/(?P<revision>[^/]+)",
    "tree": r"GET /api/models/(?P<repo>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?",
    "batch": r"POST /(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch",
    "store": r"PUT /lfs/(?P<oid>\w{64})",
    "fetch": r"(?:GET|HEAD) /lfs/(?P<oid>\w{64})",
    "verify": r"POST /lfs/(?P<oid>\w{64})/verify",
    "resolve": r"(?:GET|HEAD) /(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)",
}


class Refusal(Exception):
    """An answer other than 200: status, the Hub's error code, what it says."""

    def __init__(self, status, code="", message="refused", **fields):
        super().__init__(message)
        self.status, self.code, self.fields = status, code, {"error": message, **fields}


class Repository:
    """Commits, each the whole state of its files, and the branches that point to them."""

    def __init__(self, name, private):
        self.name, self.private, self.commits, self.branches = name, private, {}, {}
        self.save("main", {".gitattributes": b""})

    def save(self, branch, files):
        sha = hashlib.sha1(f"{self.name} {len(self.commits)}".encode()).hexdigest()
        self.commits[sha], self.branches[branch] = dict(files), sha
        return sha

    def resolve(self, revision):
        sha = self.branches.get(revision or "main", revision)
        if sha not in self.commits:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return sha

    @property
    def files(self):
        """Those of the main branch."""
        return self.commits[self.branches["main"]]


class LocalHub:
    """The server's state, and its thread; a context manager."""

    def __init__(self, token="hf_" + "a" * 20, role="write"):
        self.token, self.role = token, role
        self.repositories, self.objects, self.requests, self.failing = {}, {}, [], {}
        self.lock = threading.Lock()

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.elsewhere = self.url.replace("127.0.0.1", "localhost")
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def whoami(self, body):
        token = {"accessToken": {"role": self.role, "displayName": "t"}}
        return {"type": "user", "name": USER, "fullname": USER, "orgs": [], "auth": token}

    def check_card(self, body):
        return {"errors": [], "warnings": []}

    def create(self, body):
        wish = json.loads(body)
        name = f"{wish.get('organization') or USER}/{wish['name'].split('/')[-1]}"
        url = f"{self.url}/{name}"
        if name in self.repositories:
            raise Refusal(409, message="You already created this model repo", url=url)
        self.repositories[name] = Repository(name, wish.get("visibility") == "private" or bool(wish.get("private")))
        return {"url": url, "name": name, "id": name}

    def find(self, repo):
        if repo not in self.repositories:
            raise Refusal(404, "RepoNotFound", "Repository not found")
        return self.repositories[repo]

    def info(self, body, repo, revision=None):
        found = self.find(repo)
        sha = found.resolve(revision)
        siblings = [{"rfilename": name} for name in sorted(found.commits[sha])]
        return {"id": repo, "modelId": repo, "sha": sha, "private": found.private, "tags": [], "siblings": siblings}

    def branch(self, body, repo, revision):
        found = self.find(repo)
        if revision in found.branches:
            raise Refusal(409, message="Reference already exists")
        found.branches[revision] = found.branches["main"]
        return {}

    def preupload(self, body, repo, revision):
        def mode(name):
            return "lfs" if name.endswith((".safetensors", ".bin")) else "regular"

        self.find(repo).resolve(revision)
        names = [each["path"] for each in json.loads(body)["files"]]
        return {"files": [{"path": name, "uploadMode": mode(name), "shouldIgnore": False} for name in names]}

    def batch(self, body, repo):
        self.find(repo)
        objects = []
        for each in json.loads(body)["objects"]:
            steps = {"upload": {"href": f"{self.url}/lfs/{each['oid']}", "header": {}}}
            steps["verify"] = {"href": f"{self.url}/lfs/{each['oid']}/verify", "header": {}}
            objects.append(each if each["oid"] in self.objects else {**each, "actions": steps})
        return {"transfer": "basic", "objects": objects}

    def store(self, body, oid):
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refusal(400, message="the bytes are not those of the digest")
        self.objects[oid] = body
        return {}

    def verify(self, body, oid):
        if len(self.objects.get(oid, b"")) != json.loads(body)["size"]:
            raise Refusal(404, message="not stored")
        return {}

    def commit(self, body, repo, revision):
        found = self.find(repo)
        operations = [json.loads(line) for line in body.decode().splitlines()]
        with self.lock:
            parent = operations[0]["value"].get("parentCommit")
            if parent and parent != found.resolve(revision):
                raise Refusal(412, message="A commit has happened since")
            files = dict(found.commits[found.resolve(revision)])
            for kind, value in ((each["key"], each["value"]) for each in operations[1:]):
                if kind == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif kind == "lfsFile":
                    files[value["path"]] = self.objects[value["oid"]]
                elif kind == "deletedFile":
                    del files[value["path"]]
                else:
                    raise Refusal(400, message=f"unknown operation {kind}")
            sha = found.save(revision, files)
        return {"success": True, "commitOid": sha, "commitUrl": f"{self.url}/{repo}/commit/{sha}", "hookOutput": ""}

    def tree(self, body, repo, revision, path=None):
        found = self.find(repo)
        files = found.commits[found.resolve(revision)]
        names = [name for name in sorted(files) if path is None or name.startswith(path + "/")]
        if path and not names:
            raise Refusal(404, "EntryNotFound", "Entry not found")
        return [{"type": "file", "path": name, "size": len(files[name]), "oid": digest(files[name])} for name in names]

    def resolve(self, body, repo, revision, path):
        found = self.find(repo)
        sha = found.resolve(revision)
        if path not in found.commits[sha]:
            raise Refusal(404, "EntryNotFound", "Entry not found")
        return found.commits[sha][path], sha

    def fetch(self, body, oid):
        return self.objects[oid], None


def digest(content):
    return hashlib.sha256(content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub: LocalHub

    def log_message(self, *_):
        pass

    def answer(self):
        path, body = unquote(urlsplit(self.path).path), self.read_body()
        line = f"{self.command} {path}"
        self.hub.requests.append(line)
        try:
            for pattern, failure in self.hub.failing.items():
                if re.search(pattern, line):
                    if failure is None:  # hang up
                        self.close_connection = True
                        return
                    raise Refusal(failure)
            name, match = next(
                ((name, found) for name, route in ROUTES.items() if (found := re.fullmatch(route, line))), (None, None)
            )
            if name is None:
                raise Refusal(404, message=f"no route for {line}")
            given_token = self.headers.get("Authorization")
            public = name in ("store", "fetch") or (name in ("resolve", "info", "tree") and not given_token)
            if not public and given_token != f"Bearer {self.hub.token}":
                raise Refusal(401, message="Invalid user token.")
            given = {key: value for key, value in match.groupdict().items() if value is not None}
            found = getattr(self.hub, name)(body, **given)
        except Refusal as refusal:
            self.send(json.dumps(refusal.fields).encode(), refusal.status, {"X-Error-Code": refusal.code})
            return
        if name in ("resolve", "fetch"):
            content, sha = found
            tag = f'"{digest(content)}"'
            if sha and digest(content) in self.hub.objects:  # large files lie on another host
                linked = {"X-Linked-Etag": tag, "X-Linked-Size": str(len(content)), "X-Repo-Commit": sha}
                self.send(b"", 302, {"Location": f"{self.hub.elsewhere}/lfs/{digest(content)}", **linked})
                return
            self.send(content, 200, {"ETag": tag, "X-Repo-Commit": sha})
        else:
            self.send(json.dumps(found).encode(), 200, {"Content-Type": "application/json"})

    def send(self, content, status, headers):
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            if value:
                self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer
