/* weir: see docs/architecture.md for the walk through the rooms. */
#include "weir/command/command.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
