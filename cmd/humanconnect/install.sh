#!/bin/sh
# Installs what `make build` has made, or removes it again: make install, make uninstall.
# usage: install.sh install | uninstall, with BIN (what was built), BINDIR, LIBEXECDIR, MANDIR, BASHDIR, ZSHDIR, FISHDIR, and
# DESTDIR, which is put before these but not into anything that is installed.
#
# Programs and the lock lie in LIBEXECDIR/humanconnect, and BINDIR has a relative link, so that the tree may be moved. Each file is
# written beside its place and renamed: a command that runs keeps its own. What was installed is listed in
# LIBEXECDIR/humanconnect/installed: the next installation removes what it no longer has, and uninstall all of it.
set -eu
umask 022

home=humanconnect
here=$DESTDIR$LIBEXECDIR/$home
list=$here/installed
made=

# directory_of prints the directory that a word of the list stands for.
directory_of() {
	case $1 in
	bin) echo "$DESTDIR$BINDIR" ;;
	libexec) echo "$here" ;;
	man) echo "$DESTDIR$MANDIR" ;;
	bash) echo "$DESTDIR$BASHDIR" ;;
	zsh) echo "$DESTDIR$ZSHDIR" ;;
	fish) echo "$DESTDIR$FISHDIR" ;;
	*) return 1 ;;
	esac
}

# make_directory makes a directory and those above it, and remembers the ones that were not there.
make_directory() {
	[ -d "$1" ] && return
	make_directory "$(dirname "$1")"
	mkdir "$1"
	made="$made${1#"$DESTDIR"}
"
	[ ! -d "$here" ] || note_directories
}

# note writes a line to the list of what is installed before it is there, so that an interrupted installation can be removed too.
note() {
	echo "$1" >>"$list.new"
	grep -qxF "$1" "$list" 2>/dev/null || echo "$1" >>"$list"
}

# note_directories notes the directories that were made.
note_directories() {
	while read -r dir; do
		[ -z "$dir" ] || note "made $dir"
	done <<END
$made
END
	made=
}

# put KIND NAME MODE FILE installs one file.
put() {
	to=$(directory_of "$1")/$2
	if [ -d "$to" ]; then
		echo "$to is a directory: move it away first" >&2
		exit 1
	fi
	make_directory "$(dirname "$to")"
	note "$1 $2"
	cp "$4" "$to.new"
	chmod "$3" "$to.new"
	mv -f "$to.new" "$to"
}

# relative FROM TO prints the way from one absolute directory to another.
relative() {
	from=$1 up=
	while [ "$from" != / ] && case $2/ in "$from"/*) false ;; esac; do
		from=$(dirname "$from") up=../$up
	done
	echo "$up${2#"${from%/}"/}"
}

# drop KIND NAME removes a file of the list; a name that leads out of its directory is none of ours.
drop() {
	case /$2/ in */../*) return ;; esac
	dir=$(directory_of "$1") || return 0
	rm -f "$dir/$2" "$dir/$2.new"
}

install_all() {
	for path in "$BINDIR" "$LIBEXECDIR" "$MANDIR" "$BASHDIR" "$ZSHDIR" "$FISHDIR"; do
		case $path in
		/*) ;;
		*) echo "PREFIX and the directories have to be absolute paths: $path" >&2 && exit 1 ;;
		esac
	done
	make_directory "$here"
	rm -f "$list.new"
	note_directories
	for file in "$BIN"/humanconnect-*; do
		put libexec "${file##*/}" 755 "$file"
	done
	put libexec providers.lock.json 644 "$BIN/providers.lock.json"
	put libexec humanconnect 755 "$BIN/humanconnect"
	put_link
	for file in "$BIN"/share/man/*/*; do
		section=${file%/*}
		put man "${section##*/}/${file##*/}" 644 "$file"
	done
	put bash humanconnect 644 "$BIN/share/completion/humanconnect.bash"
	put zsh _humanconnect 644 "$BIN/share/completion/humanconnect.zsh"
	put fish humanconnect.fish 644 "$BIN/share/completion/humanconnect.fish"
	finish_list
}

# put_link links the program into BINDIR: absolutely where a link in a path leads a relative one astray.
put_link() {
	to=$DESTDIR$BINDIR/humanconnect
	if [ -d "$to" ]; then
		echo "$to is a directory: move it away first" >&2
		exit 1
	fi
	make_directory "$DESTDIR$BINDIR"
	note "bin humanconnect"
	rm -f "$to.new"
	ln -s "$(relative "$BINDIR" "$LIBEXECDIR/$home")/humanconnect" "$to.new"
	if [ ! -x "$to.new" ]; then
		rm -f "$to.new"
		ln -s "$LIBEXECDIR/$home/humanconnect" "$to.new"
	fi
	mv -f "$to.new" "$to"
}

# finish_list removes what the installation before had and this one has not, and keeps the directories that it made.
finish_list() {
	while read -r kind name; do
		if grep -qxF "$kind $name" "$list.new"; then
			continue
		elif [ "$kind" = made ]; then
			echo "made $name" >>"$list.new"
		else
			drop "$kind" "$name"
		fi
	done <"$list"
	mv -f "$list.new" "$list"
}

uninstall_all() {
	if [ ! -f "$list" ]; then
		echo "nothing is installed in $DESTDIR$LIBEXECDIR/$home"
		return
	fi
	while read -r kind name; do
		[ "$kind" = made ] || drop "$kind" "$name"
	done <"$list"
	# The directories that the installation has made, the deepest first; one with files of others stays.
	directories=$(sed -n 's/^made //p' "$list" | awk '{ print length, $0 }' | sort -rn | cut -d ' ' -f 2-)
	rm -f "$list" "$list.new"
	printf '%s\n' "$directories" | while read -r dir; do
		case $dir in /*) rmdir "$DESTDIR$dir" 2>/dev/null || : ;; esac
	done
}

case $1 in
install)
	install_all
	echo "installed $DESTDIR$BINDIR/humanconnect"
	;;
uninstall) uninstall_all ;;
esac
