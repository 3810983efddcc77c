/* Starts tests/support/aws-endpoint, which speaks like AWS's services. */
#ifndef SUPPORT_AWS_ENDPOINT_H
#define SUPPORT_AWS_ENDPOINT_H

#include <sys/types.h>

struct aws_endpoint {
    pid_t pid;
    int input;       /* it serves until this is closed */
    char base[64];   /* "http://127.0.0.1:12345" */
    char secure[64]; /* "https://localhost:12346", when a certificate was given */
};

/* `certificate` and `key` are files, or NULL; ends the test program when it cannot be started. */
void aws_endpoint_start(struct aws_endpoint *endpoint, const char *certificate, const char *key);
void aws_endpoint_stop(struct aws_endpoint *endpoint);

#endif
