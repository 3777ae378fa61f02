/* Load for one HTTP/1.1 server: the same request over some kept-alive connections, and how long each answer took.
 *
 *     load HOST PORT FILE CONNECTIONS SECONDS [RATE]
 *
 * FILE holds one whole request, head and body. Without RATE each connection sends its next request when the answer is
 * there (closed loop). With RATE requests are due at fixed moments, whatever the server does, and time counts from the
 * moment a request was due, so a server that stalls pays for it (open loop). Prints one line of JSON; times in
 * microseconds. Answers must have a Content-Length, or be chunked and end with an empty chunk.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, MOST = 4096 };

struct connection {
    int socket;
    int busy;
    int64_t due;      /* when the request under way was due, in nanoseconds */
    size_t unsent;    /* bytes of the request that are still to be sent */
    size_t held;      /* bytes of the answer so far */
    char *answer;
};

static struct sockaddr_in address;
static char *request;
static size_t request_length;
static int poller;
static uint32_t *taken;
static size_t taken_count, taken_room;
static long failed, refused, reconnected;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void connect_again(struct connection *one, int index) {
    int on = 1;
    if (one->socket >= 0) {
        close(one->socket);
        reconnected++;
    }
    for (int attempt = 0;; attempt++) {
        one->socket = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(one->socket, (struct sockaddr *)&address, sizeof address) == 0) break;
        close(one->socket);
        if (attempt == 200) { fprintf(stderr, "nobody answers\n"); exit(1); }
        usleep(5000);
    }
    setsockopt(one->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(one->socket, F_SETFL, fcntl(one->socket, F_GETFL) | O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    epoll_ctl(poller, EPOLL_CTL_ADD, one->socket, &event);
    one->busy = 0;
    one->held = 0;
}

/* The length of a whole answer that begins at `data`, or 0 while it is not all there. */
static size_t answer_length(char *data, size_t held) {
    char *end = memmem(data, held, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = (size_t)(end - data) + 4;
    *end = 0;
    char *length = strcasestr(data, "\r\ncontent-length:");
    char *chunked = length ? NULL : strcasestr(data, "\r\ntransfer-encoding: chunked");
    size_t whole = length ? head + strtoul(length + 17, NULL, 10) : 0;
    *end = '\r';
    if (length) return held >= whole ? whole : 0;
    if (chunked && held >= head + 5 && !memcmp(data + held - 5, "0\r\n\r\n", 5)) return held;
    return 0;
}

static void send_rest(struct connection *one) {
    while (one->unsent) {
        ssize_t sent = send(one->socket, request + request_length - one->unsent, one->unsent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN) continue;
            return; /* the reader will notice */
        }
        one->unsent -= (size_t)sent;
    }
}

static void ask(struct connection *one, int64_t due) {
    one->busy = 1;
    one->due = due;
    one->held = 0;
    one->unsent = request_length;
    send_rest(one);
}

/* Reads what came; 1 when an answer is complete, -1 when the connection is lost. */
static int read_answer(struct connection *one) {
    for (;;) {
        ssize_t got = recv(one->socket, one->answer + one->held, BUFFER - one->held - 1, 0);
        if (got == 0) return -1;
        if (got < 0) return errno == EAGAIN ? 0 : -1;
        one->held += (size_t)got;
        one->answer[one->held] = 0;
        if (answer_length(one->answer, one->held)) {
            if (strncmp(one->answer + 9, "200", 3)) refused++;
            return 1;
        }
    }
}

static void note(int64_t nanoseconds) {
    if (taken_count == taken_room) {
        taken_room = taken_room ? taken_room * 2 : 1 << 16;
        taken = realloc(taken, taken_room * sizeof *taken);
    }
    taken[taken_count++] = (uint32_t)(nanoseconds / 1000);
}

static int compare(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

static unsigned at(double share) {
    return taken_count ? taken[(size_t)((double)(taken_count - 1) * share)] : 0;
}

int main(int count, char **given) {
    if (count < 6) { fprintf(stderr, "load HOST PORT FILE CONNECTIONS SECONDS [RATE]\n"); return 2; }
    int connections = atoi(given[4]);
    double seconds = atof(given[5]), rate = count > 6 ? atof(given[6]) : 0;
    FILE *file = fopen(given[3], "rb");
    if (!file || connections < 1 || connections > MOST) return 2;
    request = malloc(BUFFER);
    request_length = fread(request, 1, BUFFER, file);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(given[2]));
    inet_pton(AF_INET, given[1], &address.sin_addr);
    poller = epoll_create1(0);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    for (int i = 0; i < connections; i++) {
        all[i].socket = -1;
        all[i].answer = malloc(BUFFER);
        connect_again(&all[i], i);
    }
    int64_t start = now(), end = start + (int64_t)(seconds * 1e9);
    double gap = rate > 0 ? 1e9 / rate : 0;
    long due = 0, sent = 0;
    if (!gap) for (int i = 0; i < connections; i++) { ask(&all[i], now()); sent++; }
    struct epoll_event events[256];
    for (;;) {
        int64_t time = now();
        if (gap) { /* everything that is due and finds a free connection; the rest waits, and its time counts */
            while (due < (long)((double)(time - start) / gap) + 1 && time < end) {
                int found = -1;
                for (int i = 0; i < connections && found < 0; i++) if (!all[i].busy) found = i;
                if (found < 0) break;
                ask(&all[found], start + (int64_t)((double)due * gap));
                due++, sent++;
            }
        }
        int busy = 0;
        for (int i = 0; i < connections; i++) busy += all[i].busy;
        if (time >= end && (!busy || time > end + 5000000000)) { failed += busy; break; }
        int wait = gap && time < end ? 0 : 100;
        int ready = epoll_wait(poller, events, 256, wait);
        for (int i = 0; i < ready; i++) {
            struct connection *one = &all[events[i].data.u32];
            int done = read_answer(one);
            if (!done) continue;
            if (done < 0) {
                if (one->busy) failed++;
                connect_again(one, (int)events[i].data.u32);
            } else {
                note(now() - one->due);
                one->busy = 0;
            }
            if (!gap && now() < end) { ask(one, now()); sent++; }
        }
    }
    double took = (double)(now() - start) / 1e9;
    qsort(taken, taken_count, sizeof *taken, compare);
    printf("{\"sent\": %ld, \"answered\": %zu, \"refused\": %ld, \"failed\": %ld, \"reconnected\": %ld, \"seconds\": %.3f, "
           "\"p50\": %u, \"p90\": %u, \"p99\": %u, \"p999\": %u, \"most\": %u}\n",
           sent, taken_count, refused, failed, reconnected, took, at(0.5), at(0.9), at(0.99), at(0.999), at(1));
    return 0;
}
