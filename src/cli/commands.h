/* The subcommands in the order of the help: each is the cli_command named cli_cmd_NAME in cmd_NAME.c. */
CLI_COMMAND(list)
CLI_COMMAND(explain)
CLI_COMMAND(info)
CLI_COMMAND(data)
CLI_COMMAND(plot)
CLI_COMMAND(version)
