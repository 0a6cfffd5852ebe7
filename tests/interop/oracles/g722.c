/* What Debian's libspandsp makes of a signal: g722 (encode|decode) < in > out. Samples of 16 bits at 16 kHz, octets. */
#include <spandsp.h>
#include <stdio.h>
#include <string.h>

static unsigned char in[4000000];
static int16_t pcm[4000000];
static uint8_t octets[4000000];

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    size_t length = fread(in, 1, sizeof in, stdin);
    if (strcmp(argv[1], "encode") == 0) {
        memcpy(pcm, in, length);
        int made = g722_encode(g722_encode_init(NULL, 64000, 0), octets, pcm, (int)(length / 2));
        fwrite(octets, 1, (size_t)made, stdout);
    } else {
        int made = g722_decode(g722_decode_init(NULL, 64000, 0), pcm, in, (int)length);
        fwrite(pcm, 2, (size_t)made, stdout);
    }
    return 0;
}
