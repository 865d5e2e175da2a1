//! Random bytes in random chunks: every body ends, none panics, and none has more output than input.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{
    Broken, Read, Script, Step, grpc_response, headers, http_response, receive, request, request_body,
    response_body,
};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text";
const ROUNDS: u64 = 5_000;

/// A small random generator (xorshift64), so that a failure can be repeated from its seed.
struct Noise(u64);

impl Noise {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// Bytes that often look like frames, so that more than the first flag is parsed.
    fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        for _ in 0..self.below(6) {
            let flags = [0, 1, 0x80, 0x81, self.byte()];
            body.push(flags[usize::try_from(self.below(5)).unwrap()]);
            let length = self.byte() % 20;
            body.extend([0, 0, 0, length]);
            let lines: [&[u8]; 4] = [b"grpc-status: 0\r\n", b"a:b\r\n", b"\xff:\x00", b"x-bin: ="];
            body.extend_from_slice(lines[usize::try_from(self.below(4)).unwrap()]);
            body.extend((0..self.below(12)).map(|_| self.byte()));
        }
        body
    }

    fn script(&mut self, body: &[u8]) -> Script {
        let mut steps = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let cut = usize::try_from(self.below(9)).unwrap().min(rest.len());
            let (head, tail) = rest.split_at(cut);
            steps.push(Step::Data(head.to_vec().into()));
            if self.below(4) == 0 {
                steps.push(Step::Pause);
            }
            rest = tail;
        }
        Script::new(steps)
    }

    fn text(&mut self, body: &[u8]) -> Vec<u8> {
        let mut text = STANDARD.encode(body).into_bytes();
        if self.below(2) == 0 && !text.is_empty() {
            let at = usize::try_from(self.below(text.len() as u64)).unwrap();
            text[at] = [b'=', b'!', b'A', 0][usize::try_from(self.below(4)).unwrap()];
        }
        text
    }
}

fn check(seed: u64, given: usize, read: Result<Read, Broken>) {
    let read = read.unwrap_or_else(|broken| broken.before);
    assert!(read.data().len() <= given, "seed {seed}: more output than input");
}

#[tokio::test]
async fn every_random_body_ends() {
    for seed in 1..ROUNDS {
        let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let body = noise.body();
        let text = noise.text(&body);
        check(seed, body.len(), receive(http_response(BINARY, noise.script(&body))).await.1);
        check(seed, body.len() + 3, receive(http_response(TEXT, noise.script(&text))).await.1);
        check(seed, body.len(), request_body(request(BINARY, noise.script(&body))).await);
        check(seed, body.len() + 3, request_body(request(TEXT, noise.script(&text))).await);
        let trailers = Step::Trailers(headers(&[("grpc-status", "0")]));
        let steps = noise.script(&body).into_steps().chain([trailers]);
        check(seed, body.len() + 200, response_body(grpc_response(Script::new(steps))).await);
    }
}
