# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What an image host's initramfs runs to put its root together, as a script of POSIX sh.

Ansible ships Python alone to the machine that builds images: that is why it stands here as a text.
"""

from __future__ import annotations

SCRIPT = r"""#!/bin/sh
# osaas-root TARGET: put the root of an image host together at TARGET, as the arguments of the kernel say.
#   osaas.digest=    the deployment
#   osaas.entry=     the boot entry
#   osaas.roothash=  of its dm-verity hash tree: no block is read that it does not vouch for
# What a host keeps is on the partition osaas-data; all else is the image, and what is written over it ends
# with this boot. What cannot be put together is started anew: the loader counts, and chooses something else.
set -u

target=$1
run=/run/osaas
data=$run/data
entry=

say() {
    echo "osaas-root: $1" > /dev/console
}

fail() {
    say "$1; starting anew"
    give_up
    sync
    sleep 1
    reboot -f
    exit 1
}

give_up() { # what is known to be good is not counted: say that it failed, and the loader prefers another
    mkdir -p $run/esp
    if esp=$(partition esp) && mount -t vfat "$esp" $run/esp; then
        good=$run/esp/loader/entries/$entry
        [ ! -f "$good.conf" ] || mv "$good.conf" "$good+0-1.conf"
        umount $run/esp
    fi
}

argument() { # NAME: the last one counts
    found=
    for word in $(cat /proc/cmdline); do
        case $word in "$1="*) found=${word#*=} ;; esac
    done
    [ -n "$found" ] || fail "the kernel was not told $1"
    echo "$found"
}

partition() { # LABEL: waits for it, ten seconds at most; busybox has a findfs too, which knows less
    tries=0
    until /usr/sbin/findfs "PARTLABEL=$1" 2> /dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.1
    done
}

keep() { # PATH KEPT: what is at PATH from boot to boot; at first what the image has there
    if ! [ -d "$2" ]; then
        rm -rf "$2.new"
        mkdir -p "${2%/*}"
        if [ -d "$target$1" ]; then cp -a "$target$1" "$2.new"; else mkdir "$2.new"; fi ||
            fail "no room for $2"
        sync
        mv "$2.new" "$2"
    fi
    mkdir -p "$target$1"
    mount --bind "$2" "$target$1" || fail "cannot mount $2"
}

digest=$(argument osaas.digest) || exit 1
entry=$(argument osaas.entry) || exit 1
hash=$(argument osaas.roothash) || exit 1
say "$entry, deployment $digest"
deployment=$data/deployments/$digest
mkdir -p $data $run/root $run/overlay

disk=$(partition osaas-data) || fail "there is no partition osaas-data"
mount -t ext4 -o noatime "$disk" $data || fail "cannot mount $disk"
place=$(readlink -f "/sys/class/block/${disk##*/}")
place=${place%/*}
ln -s "/dev/${place##*/}" $run/disk
[ -f "$deployment/root.erofs" ] || fail "there is no deployment $digest"
veritysetup open "$deployment/root.erofs" osaas-root "$deployment/root.verity" "$hash" ||
    fail "the root is not what $hash vouches for"
mount -t erofs -o ro /dev/mapper/osaas-root $run/root || fail "cannot mount the root of $digest"

mount -t tmpfs -o mode=0755 osaas $run/overlay
mkdir $run/overlay/upper $run/overlay/work
ln -s overlay/upper $run/upper
layers=lowerdir=$run/root,upperdir=$run/overlay/upper,workdir=$run/overlay/work
mount -t overlay -o "$layers" osaas "$target" ||
    fail "cannot mount an overlay over the root"

for one in "$data"/identity/*; do
    case ${one##*/} in
    identity.json | root-password | '*') ;;
    # -f is what makes busybox replace links, the long option what makes others do so.
    *) cp -af --remove-destination "$one" "$target/etc/" || fail "cannot give the host its identity: $one" ;;
    esac
done
if [ -s $data/identity/root-password ]; then
    umask 077
    password=$(cat $data/identity/root-password)
    while IFS=: read -r name old rest; do
        [ "$name" != root ] || old=$password
        echo "$name:$old:$rest"
    done < "$target/etc/shadow" > $run/shadow
    cat $run/shadow > "$target/etc/shadow" || fail "cannot set the password of root"
    rm $run/shadow
    umask 022
fi

keep /var $data/var
if [ -f "$target/usr/lib/osaas/persistent" ]; then
    while read -r path; do
        keep "$path" "$data/persistent$path"
    done < "$target/usr/lib/osaas/persistent"
fi
printf '{"digest": "%s", "entry": "%s", "root_hash": "%s"}\n' "$digest" "$entry" "$hash" > $run/booted.json
"""
