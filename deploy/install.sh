#!/usr/bin/env bash
# Puts edge on this machine, so that it runs from boot on; run again from a newer checkout, it upgrades. Each step is shown, with what it changes.
#
#   sudo deploy/install.sh native      a service of its own: edge.service, user edge, /opt/edge, /etc/edge, /var/lib/edge, /var/cache/edge
#   sudo deploy/install.sh compose     containers: /opt/edge/compose, brought up by edge-compose.service
#   sudo deploy/install.sh uninstall   takes away what either put here; configuration and what was counted stay
#
#   --dry-run            show every step and change nothing; needs no root
#   --purge              with uninstall: also the configuration, what was counted, videos, engines, secrets, and the user
#   --config FILE        with native: take this as /etc/edge/edge.yaml; what was there is kept as edge.yaml.old
#   --device NAME        with compose, the first time: the device's name in topics, instead of this machine's
#   --environment DIR    use this Python environment, which has edge in it, instead of making one below /opt/edge
#   --no-start           install and enable, but start nothing now
#   --root DIR           install into the tree at DIR and start nothing (to fill an image); native needs --environment, as seen from inside DIR
#
# Exit codes: 0 done, 1 failed, 2 wrong usage.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
what='' root='' config='' device='' environment='' dry='' purge='' start=1 changed='' taken='' before=''

usage() { sed -n '2,/^set -/{/^set -/d; s/^# \{0,1\}//; p;}' "${BASH_SOURCE[0]}"; }
refuse() { echo "install.sh: $*" >&2; exit 2; }
fail() { echo "install.sh: $*" >&2; exit 1; }
step() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }

run() {  # a command that changes something
    printf '    $ %s\n' "$*"
    [ -n "$dry" ] || "$@"
}

put() {  # SOURCE TARGET MODE [OWNER:GROUP]: a file of ours, unless it is the same already
    if cmp -s "$1" "$root$2"; then note "$2 is as it should be"; return; fi
    run install -D -m "$3" "$1" "$root$2"
    [ -z "${4:-}" ] || owned "$4" "$2"
    changed=1
}

owned() {  # OWNER:GROUP PATH, by the names that hold inside the root
    if [ -n "$root" ]; then run chroot "$root" chown "$1" "$2"; else run chown "$1" "$2"; fi
}

take() { if [ -e "$root$1" ] || [ -L "$root$1" ]; then run rm -rf -- "$root$1"; fi; }
alive() { [ -z "$root" ] && [ -d /run/systemd/system ]; }
service() { if alive; then run systemctl "$@"; fi; }
enable() { if alive; then run systemctl enable --quiet "$1"; else run systemctl ${root:+--root="$root"} enable --quiet "$1"; fi; }

while [ $# -gt 0 ]; do
    case $1 in
    native|compose|uninstall) [ -z "$what" ] || refuse "$what and $1: one at a time"; what=$1 ;;
    --uninstall) what=uninstall ;;
    --dry-run) dry=1 ;;
    --purge) purge=1 ;;
    --no-start) start='' ;;
    --config|--device|--environment|--root)
        [ $# -gt 1 ] || refuse "$1 needs something behind it"
        case $1 in --config) config=$2 ;; --device) device=$2 ;; --environment) environment=${2%/} ;; --root) root=${2%/} ;; esac
        shift ;;
    -h|--help) usage; exit 0 ;;
    *) refuse "$1 is unknown; $0 --help tells what there is" ;;
    esac
    shift
done
[ -n "$what" ] || { usage >&2; exit 2; }
[ -z "$purge" ] || [ "$what" = uninstall ] || refuse "--purge goes with uninstall only"
[ "$what" = native ] || [ -z "$config$environment" ] || refuse "--config and --environment go with native only"
[ "$what" = compose ] || [ -z "$device" ] || refuse "--device goes with compose only; a service's name stands in its configuration"
[ -z "$device" ] || [[ $device =~ ^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$ ]] || refuse "the device's name is '$device'; use small letters, digits, - and _ only, as in shop-7"
[ -z "$config" ] || [ -r "$config" ] || refuse "there is no file $config to take as the configuration"
[ -z "$root" ] || [ -d "$root/etc" ] || refuse "$root is no root of a system: it has no etc"
[ -n "$dry" ] || [ "$(id -u)" = 0 ] || refuse "this changes the system; run it with sudo, or with --dry-run to see what it would do"
command -v systemctl >/dev/null || fail "there is no systemd here; docker/ and deploy/compose/ need none"

# Native

system_packages() {
    step "system packages"
    local wanted=(python3-venv libgl1 libglib2.0-0) missing=() package
    [ -z "$jetson" ] || wanted+=(g++ python3-dev)  # pycuda is compiled here
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} = 0 ]; then note "all there: ${wanted[*]}"; return; fi
    run apt-get update -qq
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}"
}

user() {
    step "user edge"
    put "$checkout/deploy/systemd/edge.sysusers" /usr/lib/sysusers.d/edge.conf 644
    if [ -z "$changed" ] && grep -qs '^edge:' "$root/etc/passwd"; then return; fi
    run systemd-sysusers ${root:+--root="$root"} edge.conf
}

make_environment() {
    step "the program"
    if [ -n "$environment" ]; then
        [ -x "$root$environment/bin/edge" ] || [ -n "$dry" ] || fail "$environment has no bin/edge: it is no Python environment with edge in it"
        case $environment in /home/*|/root/*) fail "$environment is below a home, which the service does not see; make it elsewhere" ;; esac
        note "$environment, as it was given"
        return
    fi
    local python=${PYTHON:-python3} version digest
    "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' ||
        fail "edge needs Python 3.10 to 3.13, here is $("$python" --version); name one with PYTHON=/usr/bin/python3.12"
    case $(readlink -f "$(command -v "$python")") in
    /home/*|/root/*) fail "$python lies below a home, which the service does not see; name another with PYTHON=/usr/bin/python3" ;;
    esac
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$checkout/edge/__init__.py")
    # Named by what is in it: the same sources are the same environment, and another version stands beside the one that runs until it is switched.
    digest=$(cd "$checkout" && find edge pyproject.toml -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
    environment=/opt/edge/environments/$version-${digest:0:12}
    if [ -e "$environment/complete" ]; then note "$environment is there"; return; fi
    note "$environment (some minutes)"
    run rm -rf "$environment"
    run "$python" -m venv --system-site-packages "$environment"  # JetPack's TensorRT and the system's GStreamer are seen through it
    run "$environment/bin/python" -m pip install --quiet --upgrade "pip>=23.1"
    run "$environment/bin/python" -m pip install --quiet "$checkout"
    if [ -n "$jetson" ]; then
        run env PATH="$PATH:/usr/local/cuda/bin" bash "$checkout/scripts/pycuda.sh" "$environment"
        run "$environment/bin/python" -m pip install --quiet "onnx>=1.16"  # engines are built with it
    fi
    run touch "$environment/complete"
}

configuration() {
    step "the configuration, /etc/edge/edge.yaml"
    local file=/etc/edge/edge.yaml read=/etc/edge/edge.yaml
    if [ -n "$config" ] && ! cmp -s "$config" "$root$file"; then
        read=$file.new
        put "$config" "$read" 640 root:edge
    elif [ -e "$root$file" ]; then
        note "kept as it is"
    else
        put "$checkout/deploy/systemd/edge.yaml" "$file" 640 root:edge
    fi
    # The new program reads it before the old one is stopped: a key that it does not know must not end the counting.
    local check=("$environment/bin/edge" config check "$read")
    if [ -n "$root" ]; then check=(chroot "$root" "${check[@]}"); else check=(runuser -u edge -- "${check[@]}"); fi
    run "${check[@]}" || fail "$read does not suit this version (above); nothing is switched, what ran before still runs. Mend it, and run this again"
    if [ "$read" = "$file" ]; then return; fi
    if [ -e "$root$file" ]; then run cp -p "$root$file" "$root$file.old"; taken=1; fi
    run mv "$root$read" "$root$file"
}

switch() {
    step "/opt/edge/current"
    before=$(readlink "$root/opt/edge/current" || true)
    if [ "$before" = "$environment" ]; then note "is $environment"; before=''; return; fi
    run mkdir -p "$root/opt/edge"
    point_to "$environment"
    changed=1
}

point_to() {  # in one step: there is no moment without a program
    run ln -sfn "$1" "$root/opt/edge/current.new"
    run mv -T "$root/opt/edge/current.new" "$root/opt/edge/current"
}

native() {
    jetson=''
    if [ -f /etc/nv_tegra_release ] || grep -qa 'nvidia,tegra' /proc/device-tree/compatible 2>/dev/null; then jetson=1; fi
    [ -z "$root" ] || [ -n "$environment" ] || refuse "--root needs --environment: one that is made here would not run there"
    [ ! -e "$root/etc/systemd/system/edge-compose.service" ] || refuse "edge runs in containers here, and two would fight for the cameras; uninstall first"
    [ -n "$root$environment" ] || system_packages
    user
    make_environment
    configuration
    switch
    step "the command edge, as the service's user"
    put "$checkout/deploy/systemd/edge-command" /usr/local/bin/edge 755
    step "the service"
    put "$checkout/deploy/systemd/edge.service" /etc/systemd/system/edge.service 644
    local systemd
    systemd=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
    if [ "${systemd:-0}" -ge 254 ]; then
        put "$checkout/deploy/systemd/edge.service.d/growing-pauses.conf" /etc/systemd/system/edge.service.d/growing-pauses.conf 644
    else
        note "systemd $systemd: restarts pause 5 s each time (growing pauses come with systemd 254)"
    fi
    step "names for USB cameras"
    if [ -e "$root/etc/udev/rules.d/70-edge-cameras.rules" ]; then
        note "/etc/udev/rules.d/70-edge-cameras.rules is kept as it is"
    else
        put "$checkout/deploy/udev/70-edge-cameras.rules" /etc/udev/rules.d/70-edge-cameras.rules 644
        if alive && command -v udevadm >/dev/null; then run udevadm control --reload || note "no udev answers here"; fi
    fi
    step "at boot, and now"
    service daemon-reload
    enable edge.service
    begin edge.service || back
    tidy
}

begin() {  # UNIT: started, or started again if anything of it is new; a notifying service is up when this returns
    if ! alive || [ -z "$start" ]; then note "not started"; return; fi
    if [ -z "$changed" ] && systemctl --quiet is-active "$1"; then note "nothing new: it goes on undisturbed"; return; fi
    run systemctl restart "$1" || return 1
    [ -n "$dry" ] || { sleep 3; systemctl --quiet is-active "$1"; }  # what is up may fail with its first frame
}

back() {
    echo "install.sh: edge does not start; its last words:" >&2
    journalctl --unit edge --lines 10 --no-pager --output cat >&2 || true
    [ -n "$before" ] || exit 1
    note "back to the version before (its unit stays the new one: what it asks of the program is as old as the service)"
    point_to "$before"
    [ -z "$taken" ] || run mv /etc/edge/edge.yaml.old /etc/edge/edge.yaml
    run systemctl restart edge.service
    exit 1
}

tidy() {  # the one that runs and the one before stay
    local each
    for each in "$root"/opt/edge/environments/*/; do
        each=${each%/}
        each=${each#"$root"}
        if [ -e "$root$each" ] && [ "$each" != "$environment" ] && [ -n "$before" ] && [ "$each" != "$before" ]; then take "$each"; fi
    done
}

# Containers

compose() {
    [ -f "$checkout/deploy/compose/compose.yaml" ] || fail "this checkout has no deploy/compose/compose.yaml"
    [ ! -e "$root/etc/systemd/system/edge.service" ] || refuse "edge runs as a service of its own here, and two would fight for the cameras; uninstall first"
    if [ -z "$root" ]; then
        docker compose version >/dev/null 2>&1 || [ -n "$dry" ] ||
            fail "there is no \`docker compose\`; on a Jetson: sudo apt-get install docker.io docker-compose-v2 nvidia-container-toolkit"
    fi
    step "/opt/edge/compose"
    local file list=(find . -type f -printf '%P\n')
    [ ! -e "$checkout/.git" ] || list=(git ls-files)  # not the secrets that somebody made there to try it
    while IFS= read -r file; do
        case $file in
        # What a person changes stays as it is.
        .env|edge.yaml) if [ -e "$root/opt/edge/compose/$file" ]; then note "$file is kept as it is"; continue; fi ;;
        esac
        put "$checkout/deploy/compose/$file" "/opt/edge/compose/$file" "$([ -x "$checkout/deploy/compose/$file" ] && echo 755 || echo 644)"
    done < <(cd "$checkout/deploy/compose" && "${list[@]}")
    step "certificates, passwords, .env, a first edge.yaml"
    if [ -e "$root/opt/edge/compose/.env" ]; then
        note "there already"
    else
        [ -n "$device" ] || device=$(uname -n | tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9\n' '-' | sed 's/^-*//; s/-*$//')
        # The broker's certificate is for the names by which others reach this machine.
        run "$checkout/deploy/compose/setup.sh" --into "$root/opt/edge/compose" "$device" "$(uname -n)" "$(uname -n).local"
    fi
    local image
    image=$(sed -n 's/^EDGE_IMAGE=//p' "$root/opt/edge/compose/.env" 2>/dev/null || true)
    if [ -z "$root$dry" ] && ! docker image inspect "$image" >/dev/null 2>&1; then
        fail "there is no image $image on this machine yet (docker/build.sh builds it, docker/README.md says how); then run this again"
    fi
    step "the service"
    put "$checkout/deploy/systemd/edge-compose.service" /etc/systemd/system/edge-compose.service 644
    step "at boot, and now"
    service daemon-reload
    enable edge-compose.service
    begin edge-compose.service || fail "the containers do not come up: journalctl -u edge-compose, and docker compose logs in /opt/edge/compose"
}

uninstall() {
    local unit place
    step "services"
    for unit in edge edge-compose; do
        if [ -e "$root/etc/systemd/system/$unit.service" ]; then
            if alive; then run systemctl disable --quiet --now "$unit.service"; else run systemctl ${root:+--root="$root"} disable --quiet "$unit.service"; fi
            take "/etc/systemd/system/$unit.service"
            take "/etc/systemd/system/$unit.service.d/growing-pauses.conf"
            [ ! -d "$root/etc/systemd/system/$unit.service.d" ] || run rmdir --ignore-fail-on-non-empty "$root/etc/systemd/system/$unit.service.d"
        fi
    done
    service daemon-reload
    step "the program"
    take /opt/edge/current
    take /opt/edge/environments
    if grep -qs "as the service runs it" "$root/usr/local/bin/edge"; then take /usr/local/bin/edge; fi
    take /usr/lib/sysusers.d/edge.conf
    if [ -n "$purge" ]; then
        step "all that was configured and counted"
        if [ -z "$root" ] && [ -e /opt/edge/compose/compose.yaml ] && command -v docker >/dev/null; then
            run docker compose --project-directory /opt/edge/compose down --volumes || note "docker does not answer: its volumes stay"
        fi
        for place in /opt/edge /etc/udev/rules.d/70-edge-cameras.rules /etc/edge /var/lib/edge /var/cache/edge; do take "$place"; done
        if grep -qs '^edge:' "$root/etc/passwd"; then run userdel ${root:+--root "$root"} edge; fi
        return
    fi
    step "kept"
    for place in /etc/edge /etc/udev/rules.d/70-edge-cameras.rules /var/lib/edge /var/cache/edge /opt/edge/compose; do
        if [ -e "$root$place" ]; then note "$place"; fi
    done
    note "with --purge they go too"
}

"$what"
[ -z "$dry" ] || { echo "nothing was changed: this was a dry run"; exit 0; }
case $what in
native) step "done"; note "how it goes: systemctl status edge; journalctl -u edge -f; the picture: /var/lib/edge/plaza-heatmap.jpg" ;;
compose) step "done"; note "how it goes: systemctl status edge-compose; docker compose logs -f in /opt/edge/compose" ;;
esac
