/* The state of the rows about tunnels, as a whole. Thread: the engine's. */
#include "tunnelled.h"

void tunnelled_init(struct tunnelled *tunnelled, const struct hash_key *key)
{
    questions_init(&tunnelled->questions, key);
    recent_keys_init(&tunnelled->applications, RECENT_APPLICATIONS, 1);
    recent_keys_init(&tunnelled->echo_flows, RECENT_ECHOES, sizeof(struct echo_flow));
    recent_keys_init(&tunnelled->echo_pairs, RECENT_ECHOES, sizeof(struct echo_pair));
}

void tunnelled_fini(struct tunnelled *tunnelled)
{
    questions_fini(&tunnelled->questions);
    recent_keys_fini(&tunnelled->applications);
    recent_keys_fini(&tunnelled->echo_flows);
    recent_keys_fini(&tunnelled->echo_pairs);
}

void tunnelled_pack(const struct tunnelled *tunnelled, struct buffer *out)
{
    questions_pack(&tunnelled->questions, out);
    recent_keys_pack(&tunnelled->applications, out);
    recent_keys_pack(&tunnelled->echo_flows, out);
    recent_keys_pack(&tunnelled->echo_pairs, out);
}

bool tunnelled_unpack(struct tunnelled *tunnelled, struct cursor *in)
{
    return questions_unpack(&tunnelled->questions, in) &&
           recent_keys_unpack(&tunnelled->applications, in) &&
           recent_keys_unpack(&tunnelled->echo_flows, in) &&
           recent_keys_unpack(&tunnelled->echo_pairs, in);
}

uint64_t tunnelled_forgotten(const struct tunnelled *tunnelled)
{
    const struct questions *questions = &tunnelled->questions;
    const struct recent_keys *all[] = {
        &questions->forwarded,    &questions->answers,    &questions->answered,
        &questions->used,         &questions->met,        &questions->servers,
        &tunnelled->applications, &tunnelled->echo_flows, &tunnelled->echo_pairs};
    uint64_t forgotten = questions->evicted;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        forgotten += all[i]->forgotten;
    return forgotten;
}
