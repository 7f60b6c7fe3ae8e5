# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A module of dracut(8): an initramfs of its making that puts the root of an image host together."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.paths import ROOT_SCRIPT

DIRECTORY = "/usr/lib/dracut/modules.d/90osaas"

_SETUP = f"""\
#!/bin/bash

check() {{
    return 0
}}

depends() {{
    echo dm
}}

installkernel() {{
    instmods ext4 loop dm_verity erofs overlay vfat nls_ascii nls_cp437 nls_iso8859-1
    instmods nvme sd_mod virtio_blk virtio_pci virtio_scsi
}}

install() {{
    inst_multiple cat cp findfs ln mkdir mount mv readlink reboot rm sleep sync umount veritysetup
    inst_simple {ROOT_SCRIPT}
    inst_hook cmdline 90 "$moddir/osaas-cmdline.sh"
    inst_hook mount 90 "$moddir/osaas-mount.sh"
}}
"""

_CMDLINE = """\
#!/bin/sh
# shellcheck disable=SC2034  # dracut reads it
[ "$root" != osaas ] || rootok=1
"""

_MOUNT = f"""\
#!/bin/sh
if [ "$root" = osaas ] && ! ismounted "$NEWROOT"; then
    modprobe -a ext4 loop dm_verity erofs overlay
    {ROOT_SCRIPT} "$NEWROOT"
fi
"""

FILES = {
    f"{DIRECTORY}/module-setup.sh": _SETUP,
    f"{DIRECTORY}/osaas-cmdline.sh": _CMDLINE,
    f"{DIRECTORY}/osaas-mount.sh": _MOUNT,
}
