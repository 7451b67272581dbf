// libcrypto, plus one-line functions for what Swift cannot import: macros, varargs and flag expressions.
// The type-safe stacks need none: OPENSSL_sk_num, _value and _push are functions that take any of them.
#pragma once
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <time.h>

static inline EVP_PKEY *nave_generate_p256(void) { return EVP_EC_gen("P-256"); }
static inline EVP_PKEY *nave_generate_ed25519(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }
static inline void *nave_copy(const void *bytes, size_t count) { return OPENSSL_memdup(bytes, count); }
static inline void nave_free(void *bytes) { OPENSSL_free(bytes); }

// The RFC 2253 text of a name, into `bio`.
static inline int nave_print_name(BIO *bio, const X509_NAME *name) {
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0;
}
// The bytes that a memory BIO holds; they live as long as it does.
static inline long nave_bio_bytes(BIO *bio, const uint8_t **bytes) { return BIO_get_mem_data(bio, (char **)bytes); }

// Seconds since 1970-01-01T00:00:00Z of a UTCTime or GeneralizedTime; 0 if it is neither.
static inline int nave_seconds(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    if (!ASN1_TIME_to_tm(time, &parts)) return 0;
    *seconds = (int64_t)timegm(&parts);
    return 1;
}

// Keys in tokens. ENGINE is deprecated in OpenSSL 3.0, and it is how Debian 12 reaches PKCS#11: only these functions use it.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
static inline void *nave_token_engine(void) {
    OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
    return ENGINE_by_id("pkcs11");
}
static inline int nave_token_command(void *engine, const char *name, const char *value) {
    return ENGINE_ctrl_cmd_string((ENGINE *)engine, name, value, 0);
}
static inline int nave_token_start(void *engine) { return ENGINE_init((ENGINE *)engine); }
static inline void nave_token_release(void *engine) { ENGINE_free((ENGINE *)engine); }
// Notes in the user data, an int, that a PIN was asked for, and answers with an error: never the terminal.
static inline int nave_token_no_answer(UI *ui, UI_STRING *question) {
    int *asked = (int *)UI_get0_user_data(ui);
    if (asked) *asked = 1;
    return -1;
}
static inline EVP_PKEY *nave_token_key(void *engine, const char *uri, int *asked) {
    UI_METHOD *method = UI_create_method("never asks");
    if (!method) return NULL;
    UI_method_set_reader(method, nave_token_no_answer);
    EVP_PKEY *key = ENGINE_load_private_key((ENGINE *)engine, uri, method, asked);
    UI_destroy_method(method);
    return key;
}
#pragma clang diagnostic pop
