/* A PKCS#11 module that misbehaves on order and otherwise hands every call to the real one (ROGUE_REAL).
 *
 * The orders are words in the file ROGUE_ORDERS, read again at every call; what reached the token stands in ROGUE_LOG.
 * Real devices do each of these things: they count PINs, are pulled out, restart, hang, crash, talk, cannot lock. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long number;
struct list { unsigned char version[2]; void *call[68]; };
struct token { unsigned char names[96]; number flags; };
enum { INITIALIZE = 0, GET_LIST = 3, SLOT_LIST = 4, TOKEN_INFO = 6, MECHANISMS = 7, OPEN = 12, SESSION_INFO = 15,
       LOGIN = 18, SIGN_INIT = 42, SIGN = 43 };
enum { CANT_LOCK = 0x0a, DEVICE_REMOVED = 0x32, PIN_INCORRECT = 0xa0, SESSION_INVALID = 0xb3, NOT_PRESENT = 0xe0 };
static struct list real, mine;
static int inside;

static int ordered(const char *word) {
    char text[512] = {0};
    const char *path = getenv("ROGUE_ORDERS");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return size > 0 && strstr(text, word) != NULL;
}

static void note(const char *what) {
    const char *path = getenv("ROGUE_LOG");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file, "%s\n", what);
    fclose(file);
}

/* How often a wrong PIN was given, by any process: tokens keep that count in the chip. */
static int wrong_pins(void) {
    char line[64];
    int count = 0;
    const char *path = getenv("ROGUE_LOG");
    FILE *file = path ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof line, file)) count += strcmp(line, "wrong\n") == 0;
    if (file) fclose(file);
    return count;
}

static number initialize(void *arguments) {
    if (arguments && ordered("cant_lock")) return CANT_LOCK;
    note(arguments ? "initialize with locks" : "initialize");
    return ((number (*)(void *))real.call[INITIALIZE])(arguments);
}

static number slot_list(unsigned char present, number *slots, number *count) {
    if (ordered("removed")) { *count = 0; return 0; }
    return ((number (*)(unsigned char, number *, number *))real.call[SLOT_LIST])(present, slots, count);
}

static number token_info(number slot, struct token *info) {
    if (ordered("removed")) return NOT_PRESENT;
    number answer = ((number (*)(number, struct token *))real.call[TOKEN_INFO])(slot, info);
    int wrong = ordered("count") ? wrong_pins() : 0;
    if (wrong == 1) info->flags |= 0x10000;
    if (wrong == 2) info->flags |= 0x20000;
    if (wrong >= 3) info->flags |= 0x40000;
    if (ordered("low")) info->flags |= 0x10000;
    if (ordered("final_try")) info->flags |= 0x20000;
    if (ordered("locked")) info->flags |= 0x40000;
    if (ordered("unset")) info->flags &= ~(number)0x8;
    return answer;
}

static number mechanisms(number slot, number *list, number *count) {
    number answer = ((number (*)(number, number *, number *))real.call[MECHANISMS])(slot, list, count);
    if (!list || answer || !ordered("raw_only")) return answer;
    for (number i = 0; i < *count; i++)
        if (list[i] >= 0x40 && list[i] <= 0x45) list[i] = 0x80000001; /* the hashing RSA mechanisms */
    return answer;
}

static number open_session(number slot, number flags, void *a, void *b, number *session) {
    if (ordered("removed")) return DEVICE_REMOVED;
    return ((number (*)(number, number, void *, void *, number *))real.call[OPEN])(slot, flags, a, b, session);
}

static number session_info(number session, void *info) {
    if (ordered("removed")) return DEVICE_REMOVED;
    if (ordered("restarted")) return SESSION_INVALID;
    return ((number (*)(number, void *))real.call[SESSION_INFO])(session, info);
}

static number login(number session, number user, unsigned char *pin, number length) {
    note("login");
    if (ordered("talk")) {
        fprintf(stderr, "PIN=%.*s\n", (int)length, pin);
        fprintf(stdout, "PIN=%.*s\n", (int)length, pin);
        fflush(stdout);
    }
    number answer = ((number (*)(number, number, unsigned char *, number))real.call[LOGIN])(session, user, pin, length);
    if (answer == PIN_INCORRECT) note("wrong");
    return answer;
}

static number sign_init(number session, void *mechanism, number key) {
    if (ordered("removed")) return DEVICE_REMOVED;
    if (ordered("restarted")) return SESSION_INVALID;
    return ((number (*)(number, void *, number))real.call[SIGN_INIT])(session, mechanism, key);
}

static number sign(number session, unsigned char *data, number size, unsigned char *out, number *length) {
    if (ordered("hang")) {
        note("sign");
        pause();
    }
    if (ordered("crash")) raise(SIGSEGV);
    if (ordered("cant_lock") && __sync_add_and_fetch(&inside, 1) != 1) note("two threads inside");
    number answer = ((number (*)(number, unsigned char *, number, unsigned char *, number *))real.call[SIGN])(
        session, data, size, out, length);
    if (ordered("cant_lock")) __sync_sub_and_fetch(&inside, 1);
    if (ordered("faulty") && out && !answer) out[7] ^= 1;
    return answer;
}

number C_GetFunctionList(struct list **found) {
    void *library = dlopen(getenv("ROGUE_REAL"), RTLD_NOW | RTLD_LOCAL);
    number (*get)(struct list **) = library ? (number (*)(struct list **))dlsym(library, "C_GetFunctionList") : NULL;
    struct list *theirs = NULL;
    if (!get || get(&theirs)) return 5;
    mine = real = *theirs;
    mine.call[INITIALIZE] = initialize;
    mine.call[GET_LIST] = C_GetFunctionList;
    mine.call[SLOT_LIST] = slot_list;
    mine.call[TOKEN_INFO] = token_info;
    mine.call[MECHANISMS] = mechanisms;
    mine.call[OPEN] = open_session;
    mine.call[SESSION_INFO] = session_info;
    mine.call[LOGIN] = login;
    mine.call[SIGN_INIT] = sign_init;
    mine.call[SIGN] = sign;
    *found = &mine;
    return 0;
}
