# The program `reticle`, and nothing but what it needs: about 30 MB, no shell, no root.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package server && cp target/release/reticle /reticle
# The libraries that it names, the loader, and the authorities that buckets and JWKS URLs are believed by.
RUN mkdir -p /image/data /image/etc/ssl/certs \
    && ldd /reticle | grep -o '/lib[^ ]*' | xargs cp --parents --dereference --target-directory=/image \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && cp /reticle /image/reticle

FROM scratch
COPY --from=build --chown=65532:65532 /image /
USER 65532:65532
ENV RETICLE_DATA_DIR=/data
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["/reticle"]
CMD ["serve", "--listen", "0.0.0.0:8787"]
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD ["/reticle", "health"]
