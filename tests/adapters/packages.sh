#!/bin/sh
# The Debian packages that tests/adapters needs: installed as root, named otherwise. Nothing is started as a service.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"
missing=""
command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null || missing="$missing mariadb-server"
command -v sshd >/dev/null || missing="$missing openssh-server"
command -v sftp >/dev/null || missing="$missing openssh-client"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "make test-adapters 需要系统软件包：$missing。请先以管理员身份安装：apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "正在安装：$missing ……"
# Installing a server would start it: forbidden for the time of the installation.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # several words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
