# Completion of postern(1) for bash. A line a verb, and its options: the lines are
# those of the program's own table, which tests/ctl/test_verbs.c sees to.
_postern_verbs='
status|--json
reload|--json
sessions|--account --json
sessions end|--account --json
trace|--json
explain|--account --from --json
suppress list|--account --json
suppress add|--account --json
suppress remove|--account --json
suppress import|--account --json
suppress export|--account --json
account show|--json
account stop|--dry-run --json
account undo|--dry-run --json
account purge|--json --yes --reached
domain look|--json
domain release|--json
queue list|--id --account --from --to --domain --site --older --reason --held --all --json
queue summary|--id --account --from --to --domain --site --older --reason --held --all --by --json
queue show|--id --account --from --to --domain --site --older --reason --held --all --json
queue why|--id --account --from --to --domain --site --older --reason --held --all --json
queue cat|--id --account --from --to --domain --site --older --reason --held --all
queue retry|--id --account --from --to --domain --site --older --reason --held --all --dry-run --json
queue hold|--id --account --from --to --domain --site --older --reason --held --all --dry-run --json
queue release|--id --account --from --to --domain --site --older --reason --held --all --dry-run --json
queue bounce|--id --account --from --to --domain --site --older --reason --held --all --dry-run --json
queue remove|--id --account --from --to --domain --site --older --reason --held --all --dry-run --json
check|--json
user|--json --stdin
dkim|--json --force
spool|--json
'

_postern()
{
	local cur=${COMP_WORDS[COMP_CWORD]} typed= at=1 verb options line
	local -a words=()

	while [ "$at" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[at]} in
		-c) at=$((at + 1)) ;;
		-*) ;;
		*) words+=("${COMP_WORDS[at]}") ;;
		esac
		at=$((at + 1))
	done
	COMPREPLY=()
	if [ "$COMP_CWORD" -gt 1 ] && [ "${COMP_WORDS[COMP_CWORD - 1]}" = -c ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	typed=${words[*]:0:2}
	options=
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		verb=${line%%|*}
		if [ "$verb" = "$typed" ] || [ "$verb" = "${words[0]-}" ]; then
			options="$options ${line#*|} --help"
		fi
		if [ ${#words[@]} -eq 0 ]; then
			options="$options ${verb%% *}"
		elif [ ${#words[@]} -eq 1 ] && [ "${verb% *}" = "$typed" ]; then
			options="$options ${verb#* }"
		fi
	done <<<"$_postern_verbs"
	if [ ${#words[@]} -eq 0 ]; then
		options="$options -c --help --version"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur" | sort -u)
}
complete -F _postern postern
