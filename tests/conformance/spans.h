/* Spans as the cases of the observability domain write and read them. */
#ifndef CONFORMANCE_SPANS_H
#define CONFORMANCE_SPANS_H

#include "conformance/conformance.h"

/* A span with nothing but what it must have; `rest` is further members, each after a comma. */
#define SPAN_OF(trace, id, started, rest)                                                                    \
    "{'traceId':'" trace "','spanId':'" id "','name':'N " id "','spanType':'agent_run','isEvent':false,"     \
    "'startedAt':" started "000" rest "}"
#define CREATE(trace, id, started, rest)                                                                     \
    {                                                                                                        \
        "createSpan", "{'span':" SPAN_OF(trace, id, started, rest) "}", "null"                               \
    }
#define CHILD(trace, id, parent, started, rest)                                                              \
    CREATE(trace, id, started, ",'parentSpanId':'" parent "'" rest)

#define UPDATE(trace, id, updates)                                                                           \
    {                                                                                                        \
        "updateSpan", "{'traceId':'" trace "','spanId':'" id "','updates':" updates "}", "null"              \
    }
#define GET(trace, id) "getSpan", "{'traceId':'" trace "','spanId':'" id "'}"

/* Columns of a span that are null unless they were given, in groups. */
#define NO_ENTITIES                                                                                          \
    "'parentEntityType':null,'parentEntityId':null,'parentEntityName':null,'rootEntityType':null,"           \
    "'rootEntityId':null,'rootEntityName':null,'entityVersionId':null,'parentEntityVersionId':null,"         \
    "'rootEntityVersionId':null"
#define NO_CONTEXT                                                                                           \
    "'organizationId':null,'resourceId':null,'runId':null,'sessionId':null,'threadId':null,"                 \
    "'requestId':null,'environment':null,'serviceName':null,'experimentId':null,'source':null"
#define NO_HEAVY       "'metadata':null,'tags':null,'attributes':null,'links':null,'input':null,'output':null"

#define INVALID(field) "{'$error':'invalid_argument','$field':'" field "'}"

#endif
