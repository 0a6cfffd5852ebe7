/* libsrtp2 over standard input and output, for srtp.test.ts: `oracle <suite> <key and salt in hex>`. Each line is one of
 * `protect`, `unprotect`, `protect_rtcp`, `unprotect_rtcp` and a packet in hex; each answer a packet in hex, or `- <status>`. */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <string.h>

static unsigned char key[64];

static int from_hex(const char *text, unsigned char *out) {
  int length = 0;
  unsigned int byte;
  while (sscanf(text + 2 * length, "%2x", &byte) == 1) out[length++] = (unsigned char)byte;
  return length;
}

static int make(srtp_t *session, const char *suite, srtp_ssrc_type_t direction) {
  srtp_policy_t policy;
  memset(&policy, 0, sizeof policy);
  if (strcmp(suite, "AES_CM_128_HMAC_SHA1_80") == 0) {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  } else if (strcmp(suite, "AES_CM_128_HMAC_SHA1_32") == 0) {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  }
  policy.ssrc.type = direction;
  policy.key = key;
  policy.window_size = 128;
  return srtp_create(session, &policy) == srtp_err_status_ok;
}

int main(int argc, char **argv) {
  static char line[16384], word[32], hex[16000];
  static unsigned char packet[8192];
  srtp_t out, in;
  if (argc != 3 || srtp_init() != srtp_err_status_ok) return 1;
  from_hex(argv[2], key);
  if (!make(&out, argv[1], ssrc_any_outbound) || !make(&in, argv[1], ssrc_any_inbound)) return 2;
  while (fgets(line, sizeof line, stdin) != NULL) {
    int length, i;
    srtp_err_status_t status = srtp_err_status_fail;
    if (sscanf(line, "%31s %15999s", word, hex) != 2) return 3;
    length = from_hex(hex, packet);
    if (strcmp(word, "protect") == 0) status = srtp_protect(out, packet, &length);
    if (strcmp(word, "unprotect") == 0) status = srtp_unprotect(in, packet, &length);
    if (strcmp(word, "protect_rtcp") == 0) status = srtp_protect_rtcp(out, packet, &length);
    if (strcmp(word, "unprotect_rtcp") == 0) status = srtp_unprotect_rtcp(in, packet, &length);
    if (status != srtp_err_status_ok) printf("- %d\n", (int)status);
    else {
      for (i = 0; i < length; i++) printf("%02x", packet[i]);
      printf("\n");
    }
  }
  return 0;
}
