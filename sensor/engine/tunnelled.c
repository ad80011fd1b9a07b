/* The state of the rows about tunnels, as a whole. Thread: the engine's. */
#include "tunnelled.h"

void tunnelled_init(struct tunnelled *tunnelled, const struct hash_key *key)
{
    questions_init(&tunnelled->questions, key);
}

void tunnelled_fini(struct tunnelled *tunnelled)
{
    questions_fini(&tunnelled->questions);
}

void tunnelled_pack(const struct tunnelled *tunnelled, struct buffer *out)
{
    questions_pack(&tunnelled->questions, out);
}

bool tunnelled_unpack(struct tunnelled *tunnelled, struct cursor *in)
{
    return questions_unpack(&tunnelled->questions, in);
}
