// SPDX-License-Identifier: Apache-2.0
/*
 * `saker completion bash|zsh`: scripts made from the tables of options, commands and gadgets. Both
 * shells use one function that prints the words that fit; only the glue differs. Names of columns
 * are asked for when they are needed, since host columns depend on the machine.
 */
#include "cli/document.h"
#include "cli/help.h"

static const char head[] =
	"# Completion of saker. Made by `saker completion`: do not edit.\n"
	"\n"
	"# What may stand at POSITION, behind these words: POSITION FIRST PREVIOUS SECOND.\n"
	"_saker_choices()\n"
	"{\n"
	"	local first=$2 previous=$3\n"
	"	if [ \"$1\" -le 1 ]; then\n"
	"		echo \"$_saker_commands $_saker_tools\"\n"
	"		return\n"
	"	fi\n"
	"	case \"$first $previous\" in\n"
	"	'list columns'|'run run'|'man man'|'help help') echo \"$_saker_tools\"; return ;;\n"
	"	esac\n"
	"	case $first in\n";

static const char middle[] =
	"	run) first=$4 ;;\n"
	"	esac\n"
	"	case $previous in\n"
	"	-o|--output) echo 'table wide json csv collapsed none'; return ;;\n"
	"	--columns|--sort)\n"
	"		saker list columns \"$first\" 2>/dev/null | awk '/^  / { print $1 }'\n"
	"		return ;;\n"
	"	-p|--pid) ls /proc | grep '^[0-9]'; return ;;\n"
	"	--comm) cat /proc/[0-9]*/comm 2>/dev/null; return ;;\n"
	"	esac\n";

static const char words[] =
	"\n"
	"# One a line, and only what a shell reads as it stands: a process may be called\n"
	"# $(anything).\n"
	"_saker_words()\n"
	"{\n"
	"	_saker_choices \"$@\" | tr ' ' '\\n' |\n"
	"		LC_ALL=C grep -xE -e '[-A-Za-z0-9_.:@/+]+' | sort -u\n"
	"}\n";

static const char bash_tail[] =
	"\n"
	"_saker()\n"
	"{\n"
	"	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	"	local first=${COMP_WORDS[1]} second=${COMP_WORDS[2]} before= choice\n"
	"	COMPREPLY=()\n"
	"	case \" ${COMP_WORDS[*]:1:COMP_CWORD-1} \" in *' -- '*) return ;; esac\n"
	"	# bash makes three words of --name=value.\n"
	"	[ \"$word\" = = ] && word=\n"
	"	[ \"$previous\" = = ] && previous=${COMP_WORDS[COMP_CWORD-2]}\n"
	"	# In a list, the part behind the last comma is completed.\n"
	"	case $previous in\n"
	"	--columns) before=${word%\"${word##*[,+]}\"}; word=${word##*[,+]} ;;\n"
	"	esac\n"
	"	while read -r choice; do\n"
	"		[[ $choice == \"$word\"* ]] && COMPREPLY+=(\"$before$choice\")\n"
	"	done < <(_saker_words \"$COMP_CWORD\" \"$first\" \"$previous\" \"$second\")\n"
	"}\n"
	"complete -o default -F _saker saker\n";

static const char zsh_tail[] =
	"\n"
	"_saker()\n"
	"{\n"
	"	local previous=${words[CURRENT-1]} first=${words[2]} second=${words[3]}\n"
	"	local -a found\n"
	"	if (( ${words[(i)--]} < CURRENT )); then\n"
	"		_files\n"
	"		return\n"
	"	fi\n"
	"	case ${words[CURRENT]} in\n"
	"	--*=*) previous=${words[CURRENT]%%=*}; compset -P '--*=' ;;\n"
	"	esac\n"
	"	[[ $previous = --columns ]] && compset -P '*[,+]'\n"
	"	found=(${(f)\"$(_saker_words $((CURRENT - 1)) $first \"$previous\" $second)\"})\n"
	"	compadd -- $found\n"
	"	(( $#found )) || _files\n"
	"}\n"
	"compdef _saker saker\n";

/*
 * A name that goes into a script stands in quotes there: only what a file of the tree may be
 * called.
 */
static void add_word(struct buf *b, const char *word)
{
	for (; *word; word++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			   *word))
			buf_add_char(b, *word);
	}
}

static void add_lists(struct buf *b)
{
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);

	buf_add_str(b, "\n_saker_commands='");
	for (size_t i = 0; i < command_info_count; i++)
		buf_printf(b, "%s ", command_infos[i].name);
	buf_add_str(b, "--help'\n_saker_tools='");
	for (size_t i = 0; i < count; i++) {
		buf_add_str(b, i ? " " : "");
		add_word(b, all[i].name);
	}
	buf_add_str(b, "'\n_saker_options='");
	for (size_t i = 0; i < general_option_count; i++)
		buf_printf(b, "%s--%s", i ? " " : "", general_options[i].name);
	buf_add_str(b, "'\n");
}

/* The options that only this gadget has. */
static int add_gadget(struct buf *b, const struct embedded_gadget *e)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	int err = gadget_open_bytes(e->name, e->bytes, e->size, &g);
	const struct gadget_info *info;

	if (err)
		return err;
	info = gadget_info(g);
	buf_add_char(b, '\t');
	add_word(b, e->name);
	buf_add_str(b, ") echo \"$_saker_options");
	for (size_t i = 0; i < info->parameter_count; i++) {
		char name[128];

		parameter_option_name(&info->parameters[i], name, sizeof(name));
		buf_add_str(b, " --");
		add_word(b, name);
	}
	for (size_t i = 0; i < info->alias_count; i++) {
		char flag[] = { '-', info->aliases[i].flag, '\0' };

		buf_add_char(b, ' ');
		add_word(b, flag);
	}
	buf_add_str(b, "\" ;;\n");
	return 0;
}

static int make_script(struct buf *b, bool zsh)
{
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);

	if (zsh)
		buf_add_str(b, "#compdef saker\n");
	buf_add_str(b, head);
	for (size_t i = 0; i < command_info_count; i++) {
		const struct command_info *c = &command_infos[i];

		if (*c->words)
			buf_printf(b, "\t%s) [ \"$1\" = 2 ] && echo '%s'; return ;;\n", c->name,
				   c->words);
	}
	buf_add_str(b, middle);
	buf_add_str(b, "\tcase $first in\n");
	for (size_t i = 0; i < count; i++) {
		int err = add_gadget(b, &all[i]);

		if (err)
			return err;
	}
	buf_add_str(b, "\tesac\n}\n");
	add_lists(b);
	buf_add_str(b, words);
	buf_add_str(b, zsh ? zsh_tail : bash_tail);
	return b->error;
}

int command_completion(int argc, char **argv)
{
	_cleanup_buf_ struct buf b = {};
	const char *shell = argc == 2 ? argv[1] : "";

	if (!strcmp(shell, "--help") || !strcmp(shell, "-h")) {
		help_command("completion", stdout);
		return 0;
	}
	if (strcmp(shell, "bash") && strcmp(shell, "zsh")) {
		fprintf(stderr, "saker completion: which shell? bash or zsh, e.g. "
				"source <(saker completion bash)\n");
		return 2;
	}
	if (make_script(&b, !strcmp(shell, "zsh"))) {
		fprintf(stderr, "saker completion: %s\n", error_text());
		return 1;
	}
	fwrite(b.data, 1, b.len, stdout);
	return 0;
}
