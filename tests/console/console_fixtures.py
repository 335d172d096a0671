"""Addresses that tests of several kinds ask for."""

HOSTILE_PATHS = (
    "/runs/%2e%2e",
    "/runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/runs/..%2fsecret.txt",
    "/runs/%252e%252e",
    "/runs/%2fetc",
    "/runs/secret.txt",
    "/runs/RUN%00",
    "/runs/RUN%2f..",
    "/runs/RUN.partial",
    "/runs/RUN/%2e%2e",
    "/runs/RUN/L01%2f..%2fL02",
    "/runs/RUN/files/%2e%2e/secret.txt",
    "/runs/RUN/files/..%2fsecret.txt",
    "/runs/RUN/files/%2fetc%2fpasswd",
    "/runs/RUN/files//etc/passwd",
    "/runs/RUN/files/live/../run.json",
    "/runs/RUN/files/.%2frun.json",
    "/runs/RUN/files/live",
    "/runs/RUN/files/",
    "/runs/RUN/files/live%5cL01",
    "/evidence/api/runs/%2e%2e",
    "/evidence/api/runs/RUN/cases/%2e%2e%2frun",
    "/evidence/api/runs/RUN/cases/..%2f..%2fsecret",
    "/evidence/api/runs/%2fetc%2fpasswd",
    "/evidence/api/runs//cases",
    "/evidence/api/traces/%2e%2e",
    "/traces/%2e%2e",
    "/traces/..%2frun.json",
    "/runs/%2e%2e/export.html",
    "/runs/%2e%2e/events",
    "/assets/%2e%2e%2fapp.py",
    "/assets/parts.html",
)


def every_address(bundle):
    """One address of each kind, of a run that is there."""
    run = bundle.name
    pages = ("/", f"/runs/{run}", f"/runs/{run}/L01", "/traces", "/compare", "/live")
    return (
        *pages,
        *(f"{page}.json" for page in pages),
        f"/runs/{run}/files/run.json",
        f"/runs/{run}/export.html",
        f"/runs/{run}/events",
        "/evidence/api/runs",
        f"/evidence/api/runs/{run}",
        f"/evidence/api/runs/{run}/cases",
        f"/evidence/api/runs/{run}/cases/live-L01",
        "/evidence/api/apis",
        "/evidence/api/apis/ledger",
        "/evidence/api/traces",
    )
