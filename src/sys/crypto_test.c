/* Tests of crypto.c against published vectors (RFC 1321, FIPS 180, RFC 4231, NIST SP 800-38A and D) and against damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "sys/crypto.h"

#define OK(call) assert_int_equal((call), VONK_OK)

static const char *hex_of(const void *data, size_t n)
{
    static char text[512];
    for (size_t i = 0; i < n; i++) snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)data)[i]);
    text[2 * n] = 0;
    return text;
}

static void digests(void **state)
{
    static const char *const of_abc[VONK_N_DIGEST] = {
        "900150983cd24fb0d6963f7d28e17f72",
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce8"
        "0e2a9ac94fa5"
        "4ca49f",
    };
    vonk_error err = VONK_ERROR_INIT;
    uint8_t got[VONK_DIGEST_MOST_BYTES];
    for (vonk_digest k = VONK_MD5; k < VONK_N_DIGEST; k++) {
        OK(vonk_digest_of(k, VONK_STR("abc"), got, &err));
        assert_string_equal(hex_of(got, vonk_digest_bytes(k)), of_abc[k]);
        VONK_AUTO(vonk_digester_free) vonk_digester *d = NULL;
        OK(vonk_digester_new(vonk_budget_root(), k, &d, &err));
        for (int round = 0; round < 2; round++) {
            vonk_digester_add(d, "a", 1);
            vonk_digester_add(d, "bc", 2);
            vonk_digester_finish(d, got);
            assert_string_equal(hex_of(got, vonk_digest_bytes(k)), of_abc[k]);
        }
    }
    OK(vonk_digest_of(VONK_MD5, VONK_STR_NONE, got, &err));
    assert_string_equal(hex_of(got, 16), "d41d8cd98f00b204e9800998ecf8427e");
    OK(vonk_hmac_of(VONK_SHA256, VONK_STR("Jefe"), VONK_STR("what do ya want for nothing?"), got, &err));
    assert_string_equal(hex_of(got, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    OK(vonk_hmac_of(VONK_SHA256, VONK_STR_NONE, VONK_STR_NONE, got, &err));
    assert_string_equal(hex_of(got, 32), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void aes_vectors(void **state)
{
    static const uint8_t key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t plain[] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                    0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
    static const uint8_t iv[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, zero[16];
    vonk_error err = VONK_ERROR_INIT;
    vonk_str k = {(const char *)key, 16}, p = {(const char *)plain, 16}, z = {(const char *)zero, 16};
    char out[16 + VONK_AES_MORE_BYTES];
    size_t n;
    OK(vonk_aes_encrypt(VONK_AES_ECB, k, VONK_STR_NONE, VONK_STR_NONE, p, out, &n, &err));
    assert_int_equal(n, 32); /* a block of padding follows */
    assert_string_equal(hex_of(out, 16), "3ad77bb40d7a3660a89ecaf32466ef97");
    OK(vonk_aes_encrypt(VONK_AES_CBC, k, (vonk_str){(const char *)iv, 16}, VONK_STR_NONE, p, out, &n, &err));
    assert_string_equal(hex_of(out, 16), "7649abac8119b246cee98e9b12e9197d");
    OK(vonk_aes_encrypt(VONK_AES_GCM, z, (vonk_str){(const char *)zero, 12}, VONK_STR_NONE, z, out, &n, &err));
    assert_int_equal(n, 32);
    assert_string_equal(hex_of(out, 32), "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf");
}

static void aes_there_and_back(void **state)
{
    static const char key[] = "0123456789abcdef0123456789abcdef", iv[] = "0123456789abcdef";
    static const size_t key_bytes[] = {16, 24, 32},
                        iv_bytes[] = {[VONK_AES_ECB] = 0, [VONK_AES_CBC] = 16, [VONK_AES_GCM] = 12};
    vonk_error err = VONK_ERROR_INIT;
    char plain[100], sealed[100 + VONK_AES_MORE_BYTES], back[100 + 2 * VONK_AES_MORE_BYTES];
    for (size_t i = 0; i < sizeof(plain); i++) plain[i] = (char)(i * 7);
    for (vonk_aes_mode mode = VONK_AES_ECB; mode <= VONK_AES_GCM; mode++)
        for (size_t b = 0; b < 3; b++)
            for (size_t len = 0; len <= sizeof(plain); len++) {
                vonk_str k = {key, key_bytes[b]}, v = {iv, iv_bytes[mode]}, aad = VONK_STR_NONE;
                if (mode == VONK_AES_GCM) aad = VONK_STR("who");
                size_t n, m;
                bool is_right;
                OK(vonk_aes_encrypt(mode, k, v, aad, (vonk_str){plain, len}, sealed, &n, &err));
                OK(vonk_aes_decrypt(mode, k, v, aad, (vonk_str){sealed, n}, back, &m, &is_right, &err));
                assert_true(is_right);
                assert_int_equal(m, len);
                assert_memory_equal(back, plain, len);
                OK(vonk_aes_decrypt(mode, k, v, aad, (vonk_str){sealed, n - 1}, back, &m, &is_right, &err));
                assert_false(is_right); /* cut */
                if (mode != VONK_AES_GCM) continue;
                sealed[len / 2] ^= 1;
                OK(vonk_aes_decrypt(mode, k, v, aad, (vonk_str){sealed, n}, back, &m, &is_right, &err));
                assert_false(is_right); /* damaged */
                sealed[len / 2] ^= 1;
                OK(vonk_aes_decrypt(mode, k, v, VONK_STR("you"), (vonk_str){sealed, n}, back, &m, &is_right, &err));
                assert_false(is_right);
            }
    bool is_right;
    size_t m;
    OK(vonk_aes_decrypt(VONK_AES_GCM, (vonk_str){key, 16}, (vonk_str){iv, 12}, VONK_STR_NONE, VONK_STR("short"), back,
                        &m, &is_right, &err));
    assert_false(is_right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests),
        cmocka_unit_test(aes_vectors),
        cmocka_unit_test(aes_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
