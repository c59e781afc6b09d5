/* net/grpc_call.c -- a call: what any thread may do with it, and how that reaches the stream. */
#include "net/grpc_int.h"

#include "base/utf8.h"

enum { MAX_STATUS_MESSAGE_BYTES = 2048, MAX_TRAILER_BYTES = 8000, LATE_MS = 5 };

static vonk_status copy_headers(vonk_grpc_call *call, vonk_str peer, const vonk_h2_header *headers, size_t n,
                                vonk_error *err);
static void free_call(vonk_grpc_call *call);

vonk_status vonk__grpc_call_new(vonk__grpc_peer *peer, const vonk_h2_header *headers, size_t n, vonk_grpc_call **ret,
                                vonk_error *err)
{
    vonk__grpc_host *host = peer->host;
    vonk_grpc_call *call = NULL;
    VONK_TRY(VONK_NEW(host->budget, &call, err));
    call->budget = host->budget;
    vonk_status st = copy_headers(call, peer->name, headers, n, err);
    if (st != VONK_OK) {
        vonk_free(call);
        return st;
    }
    atomic_init(&call->refs, 1);
    atomic_init(&call->outside, 0);
    call->host = host;
    call->service = host->service;
    call->max_queue_bytes = host->max_queue_bytes;
    vonk_mutex_init(&call->lock);
    vonk_buf_init(&call->status, call->budget, SIZE_MAX);
    vonk_grpc_deframer_init(&call->deframer, call->budget, host->max_message_bytes);
    *ret = call;
    return VONK_OK;
}

/* One block: the list, the texts as they lie, the peer. */
static vonk_status copy_headers(vonk_grpc_call *call, vonk_str peer, const vonk_h2_header *headers, size_t n,
                                vonk_error *err)
{
    size_t list_bytes = n * sizeof(*headers), text_bytes = 0;
    for (size_t i = 0; i < n; i++) text_bytes += headers[i].name.len + headers[i].value.len;
    VONK_TRY(vonk_alloc(call->budget, list_bytes + text_bytes + peer.len, &call->headers, err));
    char *at = (char *)(call->headers + n);
    if (text_bytes) memcpy(at, headers[0].name.data, text_bytes);
    for (size_t i = 0; i < n; i++) {
        call->headers[i].name = (vonk_str){at, headers[i].name.len};
        at += headers[i].name.len;
        call->headers[i].value = (vonk_str){at, headers[i].value.len};
        at += headers[i].value.len;
    }
    if (peer.len) memcpy(at, peer.data, peer.len);
    call->n_headers = n;
    call->peer = (vonk_str){at, peer.len};
    return VONK_OK;
}

/* ---- references ---- */

void vonk__grpc_call_drop(vonk_grpc_call *call)
{
    if (atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) == 1) free_call(call);
}

static void free_call(vonk_grpc_call *call)
{
    assert(!call->stream);
    if (call->data && call->service->released) call->service->released(call->service->self, call->data);
    for (size_t i = 0; i < call->pending.n; i++) vonk_slice_unref(call->pending.at[i]);
    vonk_free(call->pending.at);
    vonk_grpc_deframer_done(&call->deframer);
    vonk_buf_done(&call->status);
    vonk_mutex_done(&call->lock);
    vonk_free(call->headers);
    vonk_free(call);
}

void vonk__grpc_call_hold(vonk_grpc_call *call)
{
    atomic_fetch_add_explicit(&call->outside, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);
}

void vonk__grpc_call_let_go(vonk_grpc_call *call)
{
    if (atomic_fetch_sub_explicit(&call->outside, 1, memory_order_acq_rel) == 1) /* nobody is left who could answer */
        vonk_grpc_finish(call, VONK_GRPC_INTERNAL, VONK_STR("the call was dropped without an answer"), VONK_STR_NONE);
    vonk__grpc_call_drop(call);
}

vonk_grpc_call *vonk_grpc_call_ref(vonk_grpc_call *call)
{
    vonk__grpc_call_hold(call);
    return call;
}

void vonk_grpc_call_unref(vonk_grpc_call *call)
{
    if (call) vonk__grpc_call_let_go(call);
}

/* ---- what is known of it ---- */

void vonk_grpc_set_data(vonk_grpc_call *call, void *data) { call->data = data; }
void *vonk_grpc_data(const vonk_grpc_call *call) { return call->data; }

vonk_str vonk_grpc_header(const vonk_grpc_call *call, const char *name)
{
    vonk_str wanted = vonk_str_of(name);
    for (size_t i = 0; i < call->n_headers; i++)
        if (vonk_str_eq(call->headers[i].name, wanted)) return call->headers[i].value;
    return VONK_STR_NONE;
}

vonk_str vonk_grpc_peer(const vonk_grpc_call *call) { return call->peer; }
const vonk_grpc_method *vonk_grpc_call_method(const vonk_grpc_call *call) { return call->method; }

bool vonk_grpc_is_over(const vonk_grpc_call *call)
{
    return atomic_load_explicit(&call->is_over, memory_order_acquire) ||
           atomic_load_explicit(&call->is_finished, memory_order_acquire);
}

bool vonk_grpc_is_writable(const vonk_grpc_call *call)
{
    return !atomic_load_explicit(&call->is_full, memory_order_acquire) && !vonk_grpc_is_over(call);
}

/* ---- answers, from any thread ---- */

static void set_flag(_Atomic(bool) *flag, bool is_set) { atomic_store_explicit(flag, is_set, memory_order_release); }

/* Under the lock. */
static void post(vonk_grpc_call *call)
{
    if (call->is_posted) return;
    vonk__grpc_host *host = call->host;
    call->is_posted = true;
    atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);
    vonk_grpc_call *head = atomic_load_explicit(&host->posted, memory_order_relaxed);
    do {
        call->next_posted = head;
    } while (!atomic_compare_exchange_weak(&host->posted, &head, call));
    host->wake(host);
}

/* Under the lock. Details that cannot be kept are left out: the code and the message always arrive. */
static void set_finished(vonk_grpc_call *call, vonk_grpc_code code, vonk_str message, vonk_str details)
{
    set_flag(&call->is_finished, true);
    call->code = code;
    call->status.len = 0;
    if (vonk_buf_add_str(&call->status, vonk_utf8_cut(message, MAX_STATUS_MESSAGE_BYTES), NULL) == VONK_OK) {
        call->status_message_bytes = call->status.len;
        if (vonk_buf_add_str(&call->status, details, NULL) != VONK_OK) call->status.len = call->status_message_bytes;
    }
    post(call);
}

/* Under the lock. All pieces or none. */
static vonk_status add_pending(vonk_grpc_call *call, const vonk_slice *pieces, size_t n, size_t bytes, vonk_error *err)
{
    size_t had = call->pending.n;
    uint8_t prefix[VONK_GRPC_PREFIX_BYTES];
    vonk_slice head;
    vonk_grpc_write_prefix(prefix, bytes);
    VONK_TRY(vonk_slice_copy(call->budget, (vonk_str){(char *)prefix, sizeof(prefix)}, &head, err));
    vonk_status st = VONK_VEC_PUSH(&call->pending, call->budget, head, err);
    for (size_t i = 0; i < n && st == VONK_OK; i++) st = VONK_VEC_PUSH(&call->pending, call->budget, pieces[i], err);
    if (st != VONK_OK) {
        call->pending.n = had;
        vonk_slice_unref(head);
    }
    return st;
}

bool vonk_grpc_send(vonk_grpc_call *call, const vonk_slice *take_pieces, size_t n)
{
    size_t bytes = 0;
    bool is_sent = false;
    for (size_t i = 0; i < n; i++) bytes += take_pieces[i].bytes.len;
    vonk_mutex_lock(&call->lock);
    if (vonk_grpc_is_over(call)) {
        /* nobody listens */
    } else if (bytes > UINT32_MAX) {
        set_finished(call, VONK_GRPC_RESOURCE_EXHAUSTED, VONK_STR("an answer is larger than 4 GiB"), VONK_STR_NONE);
    } else if (add_pending(call, take_pieces, n, bytes, NULL) != VONK_OK) {
        set_finished(call, VONK_GRPC_RESOURCE_EXHAUSTED, VONK_STR("no memory for the answer"), VONK_STR_NONE);
    } else {
        call->n_sent++;
        call->queued_bytes += bytes + VONK_GRPC_PREFIX_BYTES;
        if (call->queued_bytes >= call->max_queue_bytes) set_flag(&call->is_full, true); /* until half of it went */
        is_sent = true;
        post(call);
    }
    vonk_mutex_unlock(&call->lock);
    for (size_t i = 0; i < n && !is_sent; i++) vonk_slice_unref(take_pieces[i]);
    return is_sent;
}

void vonk_grpc_finish(vonk_grpc_call *call, vonk_grpc_code code, vonk_str message, vonk_str details)
{
    vonk_mutex_lock(&call->lock);
    if (!vonk_grpc_is_over(call)) set_finished(call, code, message, details);
    vonk_mutex_unlock(&call->lock);
}

void vonk_grpc_reply(vonk_grpc_call *call, vonk_slice take_message)
{
    vonk_grpc_send(call, &take_message, 1);
    vonk_grpc_finish(call, VONK_GRPC_OK, VONK_STR_NONE, VONK_STR_NONE);
}

void vonk_grpc_consumed(vonk_grpc_call *call, size_t bytes)
{
    vonk_mutex_lock(&call->lock);
    call->consumed_bytes += bytes;
    if (!atomic_load_explicit(&call->is_over, memory_order_relaxed)) post(call);
    vonk_mutex_unlock(&call->lock);
}

/* ---- on the server's thread ---- */

static const vonk_h2_header answer_headers[] = {
    {{":status", 7}, {"200", 3}},
    {{"content-type", 12}, {"application/grpc", 16}},
    {{"grpc-accept-encoding", 20}, {"identity", 8}},
};

static void begin_answer(vonk_grpc_call *call)
{
    if (call->has_headers) return;
    call->has_headers = true;
    vonk_h2_respond(call->stream, answer_headers, VONK_COUNTOF(answer_headers), false);
}

/* The status as headers: in trailers, or as the whole answer when nothing was sent. */
static vonk_status end_answer(vonk_grpc_call *call, vonk_grpc_code code, vonk_str message, vonk_str details,
                              vonk_error *err)
{
    enum { N_BEGIN = VONK_COUNTOF(answer_headers) };
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0}, encoded = {0};
    vonk_buf_init(&text, call->budget, SIZE_MAX);
    vonk_buf_init(&encoded, call->budget, SIZE_MAX);
    VONK_TRY(vonk_grpc_percent_encode(message, &text, err));
    if (text.len + details.len * 4 / 3 <= MAX_TRAILER_BYTES) VONK_TRY(vonk_grpc_base64(details, &encoded, err));

    static const char *const codes[] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                        "9", "10", "11", "12", "13", "14", "15", "16"};
    assert((size_t)code < VONK_COUNTOF(codes));
    vonk_h2_header list[N_BEGIN + 3];
    size_t n = 0;
    if (!call->has_headers)
        for (; n < N_BEGIN; n++) list[n] = answer_headers[n];
    list[n++] = (vonk_h2_header){VONK_STR("grpc-status"), vonk_str_of(codes[code])};
    if (text.len) list[n++] = (vonk_h2_header){VONK_STR("grpc-message"), vonk_buf_str(&text)};
    if (encoded.len) list[n++] = (vonk_h2_header){VONK_STR("grpc-status-details-bin"), vonk_buf_str(&encoded)};
    if (call->has_headers)
        vonk_h2_finish(call->stream, list, n);
    else
        vonk_h2_respond(call->stream, list, n, true);
    call->has_headers = true;
    return VONK_OK;
}

static void answer_status(vonk_grpc_call *call, vonk_grpc_code code, vonk_str message, vonk_str details)
{
    call->is_answered = true;
    vonk_loop_cancel_timer(call->host->loop, &call->deadline);
    if (end_answer(call, code, message, details, NULL) != VONK_OK)
        vonk_h2_reset(call->stream); /* no memory even for that */
}

void vonk__grpc_mark_dirty(vonk__grpc_peer *peer)
{
    if (peer->is_dirty) return;
    peer->is_dirty = true;
    peer->next_dirty = peer->host->dirty;
    peer->host->dirty = peer;
}

static vonk__grpc_peer *peer_of(const vonk_grpc_call *call)
{
    return vonk_h2_handler_self(vonk_h2_stream_conn(call->stream));
}

static void mark_dirty(const vonk_grpc_call *call) { vonk__grpc_mark_dirty(peer_of(call)); }

void vonk__grpc_call_pump(vonk_grpc_call *call)
{
    vonk_mutex_lock(&call->lock);
    call->is_posted = false;
    bool is_open = call->stream && !call->is_answered;
    if (is_open) mark_dirty(call);
    if (is_open && call->pending.n > 0) begin_answer(call);
    for (size_t i = 0; i < call->pending.n; i++) {
        if (is_open)
            vonk_h2_push(call->stream, call->pending.at[i]);
        else
            vonk_slice_unref(call->pending.at[i]);
    }
    call->pending.n = 0;
    if (is_open && atomic_load_explicit(&call->is_finished, memory_order_relaxed)) {
        vonk_str status = vonk_buf_str(&call->status);
        answer_status(call, call->code, vonk_str_sub(status, 0, call->status_message_bytes),
                      vonk_str_sub(status, call->status_message_bytes, status.len));
        if (call->code == VONK_GRPC_OK && call->method->kind == VONK_GRPC_SERVER_STREAM)
            vonk__grpc_habit_answered(&peer_of(call)->habit, call->n_sent);
    }
    size_t consumed = vonk_min_size(call->consumed_bytes, call->held_bytes);
    call->consumed_bytes = 0;
    vonk_mutex_unlock(&call->lock);
    call->held_bytes -= consumed;
    vonk__grpc_call_open_window(call);
}

bool vonk__grpc_late_begin(vonk__grpc_host *host)
{
    vonk_status st = VONK_OK;
    if (host->late.heap_pos == 0) /* the first one, or it has fired and the others are just seen to */
        st = vonk_loop_set_timer(host->loop, &host->late, vonk_clock_mono_ns() + LATE_MS * VONK_NS_PER_MS, NULL);
    if (st == VONK_OK) host->n_late++;
    return st == VONK_OK;
}

void vonk__grpc_late_end(vonk__grpc_host *host)
{
    assert(host->n_late > 0);
    if (--host->n_late == 0) vonk_loop_cancel_timer(host->loop, &host->late);
}

/* A send, and waking the client for it, cost more than all else about a notice: it waits for company. */
static bool put_off(vonk_grpc_call *call)
{
    if (!call->stream || !call->method || call->method->kind != VONK_GRPC_NOTICE) return false;
    if (!vonk__grpc_late_begin(call->host)) return false;
    vonk__grpc_peer *peer = peer_of(call);
    call->next_posted = peer->late; /* still posted: nobody else touches it */
    peer->late = call;
    return true;
}

/* In the order in which they came. */
static vonk_grpc_call *reversed(vonk_grpc_call *newest)
{
    vonk_grpc_call *oldest = NULL;
    while (newest) {
        vonk_grpc_call *next = newest->next_posted;
        newest->next_posted = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void pump_and_drop(vonk_grpc_call *call)
{
    vonk__grpc_call_pump(call);
    vonk__grpc_call_drop(call);
}

bool vonk__grpc_pump_posted(vonk__grpc_host *host)
{
    vonk_grpc_call *call = reversed(atomic_exchange(&host->posted, NULL));
    if (!call) return false;
    while (call) {
        vonk_grpc_call *next = call->next_posted; /* may be posted anew as soon as it is pumped */
        if (!put_off(call)) pump_and_drop(call);
        call = next;
    }
    return true;
}

void vonk__grpc_pump_late(vonk__grpc_peer *peer)
{
    vonk_grpc_call *call = reversed(peer->late);
    peer->late = NULL;
    while (call) {
        vonk_grpc_call *next = call->next_posted;
        pump_and_drop(call);
        vonk__grpc_late_end(peer->host);
        call = next;
    }
}

void vonk__grpc_call_end(vonk_grpc_call *call, vonk_grpc_code why, const char *message)
{
    vonk_mutex_lock(&call->lock);
    bool was_open = !vonk_grpc_is_over(call);
    if (was_open || !call->stream) { /* finished, with a stream: what is pending still goes out */
        set_flag(&call->is_over, true);
        for (size_t i = 0; i < call->pending.n; i++) vonk_slice_unref(call->pending.at[i]);
        call->pending.n = 0;
    }
    vonk_mutex_unlock(&call->lock);
    vonk_loop_cancel_timer(call->host->loop, &call->deadline);
    if (!was_open) return;

    if (call->stream && !call->is_answered) {
        mark_dirty(call);
        if (call->has_headers) { /* what is queued may be stuck behind the client's window: cut it off */
            call->is_answered = true;
            vonk_h2_reset(call->stream);
        } else {
            answer_status(call, why, vonk_str_of(message), VONK_STR_NONE);
        }
    }
    if (call->is_known && call->service->cancelled) call->service->cancelled(call->service->self, call, why);
}

void vonk__grpc_call_taken(vonk_grpc_call *call, size_t bytes)
{
    vonk_mutex_lock(&call->lock);
    assert(bytes <= call->queued_bytes);
    call->queued_bytes -= bytes;
    bool is_drained = atomic_load_explicit(&call->is_full, memory_order_relaxed) &&
                      call->queued_bytes < call->max_queue_bytes / 2 && !vonk_grpc_is_over(call);
    if (is_drained) set_flag(&call->is_full, false);
    vonk_mutex_unlock(&call->lock);
    if (is_drained && call->service->drained) call->service->drained(call->service->self, call);
}

void vonk__grpc_call_open_window(vonk_grpc_call *call)
{
    if (!call->stream || call->shut_bytes == 0 || call->held_bytes > call->max_queue_bytes) return;
    vonk_h2_consume(call->stream, call->shut_bytes);
    if (vonk_h2_has_output(vonk_h2_stream_conn(call->stream))) mark_dirty(call); /* it is told in large steps */
    call->shut_bytes = 0;
}
