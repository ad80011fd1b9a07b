/* SMTP by libcurl, aside from the loop.
 *
 * A thread, because libcurl waits for the answer to a message, and to its own QUIT, inside calls
 * that must not (lib/smtp.c: smtp_block_statemach, in multi transfers as well). The loop and the
 * thread share one counted job, as a look-up does: given up, the thread sees it within about a
 * second and ends by itself. The answer is the thread's until done_fd is written. Thread: the
 * loop's; on_read, on_line and on_progress are the job's own thread's. */
#include "sink_mail_send.h"

#include "aside.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job {
    atomic_int holders;
    atomic_bool given_up;
    CURL *easy;
    struct curl_slist *to;
    struct buffer message;
    size_t sent;
    struct mail_answer answer;
    int done_fd;
};

struct mail_send {
    struct job *job;
    struct loop_ref loop;
    struct loop_watch *watch;
    void (*done)(void *context, const struct mail_answer *answer);
    void *context;
};

static void let_go(struct job *job)
{
    if (atomic_fetch_sub(&job->holders, 1) != 1)
        return;
    curl_slist_free_all(job->to);
    buffer_fini(&job->message);
    close(job->done_fd);
    free(job);
}

/* --- the thread ------------------------------------------------------------------------------- */

static size_t on_read(char *out, size_t one, size_t room, void *context)
{
    struct job *job = context;
    size_t left = job->message.size - job->sent, size = room * one;
    size = size < left ? size : left;
    memcpy(out, job->message.data + job->sent, size);
    job->sent += size;
    return size;
}

/* Each line of the server's; the last that refuses is kept. */
static size_t on_line(const char *line, size_t one, size_t size, void *context)
{
    struct job *job = context;
    char *heard = job->answer.heard;
    size_t given = one * size, shown = 0;
    if (given == 0 || (line[0] != '4' && line[0] != '5'))
        return given;
    job->answer.temporary |= line[0] == '4';
    for (; shown < given && shown + 1 < MAIL_HEARD_MAX && line[shown] != '\r'; shown++)
        heard[shown] = (char)(line[shown] >= ' ' && line[shown] <= '~' ? line[shown] : ' ');
    heard[shown] = '\0';
    return given;
}

static int on_progress(void *context, curl_off_t all, curl_off_t now, curl_off_t up_all,
                       curl_off_t up_now)
{
    const struct job *job = context;
    (void)all;
    (void)now;
    (void)up_all;
    (void)up_now;
    return atomic_load(&job->given_up) ? 1 : 0;
}

static void perform(void *context)
{
    struct job *job = context;
    const uint64_t one = 1;
    job->answer.code = curl_easy_perform(job->easy);
    curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &job->answer.status);
    job->answer.offered = job->sent > 0;
    if (!*job->answer.why)
        snprintf(job->answer.why, sizeof job->answer.why, "%s",
                 curl_easy_strerror(job->answer.code));
    curl_easy_setopt(job->easy, CURLOPT_ERRORBUFFER, NULL); /* the answer is the loop's now */
    curl_easy_setopt(job->easy, CURLOPT_HEADERFUNCTION, NULL);
    curl_easy_setopt(job->easy, CURLOPT_HEADERDATA, NULL);
    while (write(job->done_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
    curl_easy_cleanup(job->easy); /* says QUIT, and waits for the answer */
    let_go(job);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void on_done(void *context, unsigned what)
{
    struct mail_send *send = context;
    uint64_t count;
    (void)what;
    if (read(send->job->done_fd, &count, sizeof count) != sizeof count)
        return;
    send->loop.ops->drop(send->watch);
    send->watch = NULL;
    send->done(send->context, &send->job->answer);
}

static void set_job(struct job *job)
{
    CURL *easy = job->easy;
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, job->to);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)job->message.size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, job);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, job);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, job);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, job->answer.why);
}

static void unmake(struct mail_send *send)
{
    if (send->watch)
        send->loop.ops->drop(send->watch);
    if (send->job->done_fd >= 0)
        close(send->job->done_fd);
    curl_slist_free_all(send->job->to);
    free(send->job);
    free(send);
}

struct mail_send *mail_send_new(struct loop_ref loop, CURL *easy, const char *const *to,
                                struct buffer *message,
                                void (*done)(void *context, const struct mail_answer *answer),
                                void *context, struct error *error)
{
    struct mail_send *send = xcalloc(1, sizeof *send);
    struct job *job = xcalloc(1, sizeof *job);
    *send = (struct mail_send){job, loop, NULL, done, context};
    job->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    job->easy = easy;
    job->message = *message;
    atomic_init(&job->holders, 2);
    for (; *to; to++)
        job->to = curl_slist_append(job->to, *to);
    set_job(job);
    if (job->done_fd >= 0)
        send->watch = loop.ops->watch(loop.loop, job->done_fd, LOOP_READ, on_done, send);
    int fault = send->watch ? aside(perform, job) : EMFILE;
    if (!fault) {
        *message = (struct buffer){0};
        return send;
    }
    error_set(error, ERROR_RUN, "mail: cannot be sent: %s", strerror(fault));
    unmake(send);
    return NULL;
}

void mail_send_free(struct mail_send *send)
{
    if (!send)
        return;
    if (send->watch)
        send->loop.ops->drop(send->watch);
    atomic_store(&send->job->given_up, true);
    let_go(send->job);
    free(send);
}
