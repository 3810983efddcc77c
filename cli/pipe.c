/* pipe: requests on standard input, answers on standard output, one JSON value to a line, in order. */
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_LINE  ((size_t)1 << 30)
#define FIRST_ROOM ((size_t)1 << 16)

/* Input that has been read; lines are served out of it where they stand. */
struct input {
    char *text;
    size_t room;
    size_t len;
    size_t at;      /* where the next line begins */
    size_t scanned; /* no line ends before here */
    bool skipping;  /* the rest of a line that was refused for its length */
};

enum progress {
    GO_ON,
    END_OF_INPUT,
    OUTPUT_FAILED, /* the end of the command tells why */
    INPUT_FAILED,  /* said why */
};

/* Answering. */

static enum progress answer_error(mastra_status status, const char *message)
{
    printf("{\"id\":null,\"ok\":false,\"error\":{\"code\":\"%s\",\"id\":null,\"category\":\"%s\",\"message\":"
           "\"%s\","
           "\"op\":null,\"retriable\":false,\"details\":{}}}\n",
           mastra_status_name(status), status == MASTRA_OUT_OF_MEMORY ? "SYSTEM" : "USER", message);
    return ferror(stdout) ? OUTPUT_FAILED : GO_ON;
}

static enum progress serve(struct cli *cli, const char *line, size_t len)
{
    mastra_str request = {line, len};
    size_t answer_len = 0;
    char *answer = NULL;
    bool written;

    if (mastra_call_line(cli->store, request, &answer, &answer_len) != MASTRA_OK) {
        return answer_error(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    written = fwrite(answer, 1, answer_len, stdout) == answer_len && putchar('\n') != EOF;
    mastra_json_free(answer);
    return written ? GO_ON : OUTPUT_FAILED;
}

/* Reading. */

/* Makes room behind what is there, by moving it to the front or by growing. */
static bool make_room(struct input *input)
{
    if (input->at > 0) {
        memmove(input->text, input->text + input->at, input->len - input->at);
        input->len -= input->at;
        input->scanned -= input->at;
        input->at = 0;
    }
    if (input->len == input->room) {
        size_t room = input->room ? 2 * input->room : FIRST_ROOM;
        char *text = realloc(input->text, room);

        if (!text) {
            return false;
        }
        input->text = text;
        input->room = room;
    }
    return true;
}

static bool input_waits(void)
{
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};

    return poll(&in, 1, 0) > 0;
}

/* Reads more; answers are held back only while that cannot block. */
static enum progress read_more(struct input *input)
{
    ssize_t got;

    if (!input_waits() && fflush(stdout) != 0) {
        return OUTPUT_FAILED;
    }
    if (!make_room(input)) {
        cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
        return INPUT_FAILED;
    }
    do {
        got = read(STDIN_FILENO, input->text + input->len, input->room - input->len);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        cli_complain(MASTRA_INTERNAL, "cannot read standard input: %s", strerror(errno));
        return INPUT_FAILED;
    }
    input->len += (size_t)got;
    return got == 0 ? END_OF_INPUT : GO_ON;
}

/* Gives up a line that is too long: answers it, forgets what was read of it, and passes over the rest. */
static enum progress refuse_line(struct input *input)
{
    bool first = !input->skipping;

    input->skipping = true;
    input->at = input->scanned = input->len = 0;
    return first ? answer_error(MASTRA_LIMIT_EXCEEDED, "the line is longer than 1 GiB") : GO_ON;
}

/* Serves the next line when it is there in full, or else reads on. */
static enum progress step(struct cli *cli, struct input *input)
{
    char *from = input->text + input->scanned;
    char *end = input->len > input->scanned ? memchr(from, '\n', input->len - input->scanned) : NULL;
    enum progress progress = GO_ON;

    if (!end) {
        input->scanned = input->len;
        if (input->skipping || input->len - input->at > MOST_LINE) {
            progress = refuse_line(input);
        }
        return progress == GO_ON ? read_more(input) : progress;
    }
    if (!input->skipping) {
        progress = serve(cli, input->text + input->at, (size_t)(end - input->text) - input->at);
    }
    input->skipping = false;
    input->at = input->scanned = (size_t)(end - input->text) + 1;
    return progress;
}

int run_pipe(struct cli *cli)
{
    struct input input = {0};
    enum progress progress = GO_ON;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    while (progress == GO_ON) {
        progress = step(cli, &input);
    }
    /* The last line need not be ended. */
    if (progress == END_OF_INPUT && input.len > input.at && !input.skipping) {
        progress = serve(cli, input.text + input.at, input.len - input.at);
    }
    free(input.text);
    return progress == INPUT_FAILED ? mastra_status_exit_code(MASTRA_INTERNAL) : 0;
}
