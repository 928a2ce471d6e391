#!/usr/bin/env bash
# The secrets of this broker, made in this folder; needs openssl and mosquitto_passwd.
#   make.sh certificates HOST...   ca.crt for everybody who connects; the broker's certificate for these names and addresses
#   make.sh user ROLE NAME         a user in a role of roles/: a new password in NAME.password, its hash in passwords, the rules in users.acl
# A device's user is called as the device. Give NAME.password and ca.crt to whoever is NAME, and nothing else.
set -euo pipefail
umask 077
cd "$(dirname "$0")"

certificates() {
    local names=() name
    for name in "$@"; do
        if [[ $name =~ ^[0-9.]+$|: ]]; then names+=("IP:$name"); else names+=("DNS:$name"); fi
    done
    local listed; listed=$(IFS=,; echo "${names[*]}")
    if [ ! -e ca.key ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=edge broker CA" \
            -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.crt 2>/dev/null
    fi
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout broker.key -out broker.csr 2>/dev/null
    openssl x509 -req -in broker.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -out broker.crt \
        -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\n' "$listed") 2>/dev/null
    rm broker.csr
    chmod 644 ca.crt broker.crt
    echo "ca.crt and broker.crt, for $listed; keep ca.key away from the broker"
}

user() {
    local role=$1 name=$2
    [ -e "roles/$role.acl" ] || { echo "there is no role $role; there are: $(cd roles && echo *.acl)" >&2; exit 2; }
    [[ $name =~ ^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$ ]] || { echo "the name $name: small letters, digits, - and _ only" >&2; exit 2; }
    touch users.acl passwords
    if grep -qx "user $name" users.acl; then echo "there is a user $name already; take it out of users.acl first" >&2; exit 2; fi
    openssl rand -hex 24 >"$name.password"
    # Not on a command line, where every user of the machine could read it.
    printf '%s:%s\n' "$name" "$(cat "$name.password")" >"$name.plain"
    mosquitto_passwd -U "$name.plain"
    sed -i "/^$name:/d" passwords
    cat "$name.plain" >>passwords
    rm "$name.plain"
    { sed "s/NAME/$name/g" "roles/$role.acl"; echo; } >>users.acl
    echo "$name.password; a running broker reads it at SIGHUP"
}

case ${1:-}:$# in
certificates:1) echo "usage: $0 certificates HOST..." >&2; exit 2 ;;
certificates:*) shift; certificates "$@" ;;
user:3) user "$2" "$3" ;;
*) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
