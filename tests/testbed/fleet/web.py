# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx serves, as its configuration. Pure."""

from __future__ import annotations

from pathlib import Path

from .hosts import CONTROLLER
from .instance import Instance

STORE_PORT = 8080
UPSTREAM_PORT = 8081


def render(instance: Instance, store: Path | None) -> str:
    """nginx.conf: upstream, and the store of the repo service if there is one. Nothing outside the instance.

    Either may be missing at first and be replaced at any time: nginx looks the path up for each request.
    """
    sites = _site(UPSTREAM_PORT, instance.upstream) + (_site(STORE_PORT, store) if store else "")
    scratch = "".join(
        f'    {kind}_temp_path "{instance.nginx}/{kind}";\n'
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f'daemon off;\nuser root;\nworker_processes 1;\npid "{instance.nginx}/pid";\n'
        f'error_log "{instance.logs}/nginx-error.log" notice;\n'
        "events { worker_connections 1024; }\n"
        "http {\n"
        f"{scratch}"
        f'    access_log "{instance.logs}/nginx-access.log";\n'
        "    default_type application/octet-stream;\n"
        "    types { text/html html; text/plain txt asc; text/xml xml; application/json json; }\n"
        "    sendfile on;\n"
        "    keepalive_timeout 15s;\n"
        f"{sites}"
        "}\n"
    )


def _site(port: int, root: Path) -> str:
    return (
        f"    server {{\n        listen {CONTROLLER}:{port};\n"
        f'        root "{root.absolute()}";\n        autoindex on;\n    }}\n'
    )
