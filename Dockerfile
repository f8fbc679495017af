# syntax=docker/dockerfile:1
# docker build -t preceptor . && docker run --rm -p 127.0.0.1:8080:8080 -v preceptor-data:/data --read-only preceptor
# OpenSSL (for libpq), libpq and SQLite are built from source, so the image below needs libc alone.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
# The caches belong to the builder and are not part of the image, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release && cp target/release/preceptor /preceptor
# A new volume takes over the owner and the rights of the folder it is mounted on.
RUN install -d -m 700 -o 10001 -g 10001 /empty

FROM debian:bookworm-slim
COPY --from=build /preceptor /usr/local/bin/preceptor
# By these certificates mail servers are known.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=10001:10001 /empty /data
# Whom to trust when the keys of outside identity providers are fetched.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Nothing outside /data is written: the container runs with a read-only root.
ENV PRECEPTOR_BIND=0.0.0.0:8080 \
    PRECEPTOR_DATA_DIR=/data \
    DATABASE_URL=sqlite:///data/preceptor.db
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# SIGTERM drains: up to 5 s of refusing readiness and 30 s for requests under way.
STOPSIGNAL SIGTERM
# bash speaks HTTP by itself, so that no client need be installed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["bash", "-c", "exec 3<>\"/dev/tcp/127.0.0.1/${PRECEPTOR_BIND##*:}\" && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && IFS= read -r -t 2 line <&3 && [[ $line == 'HTTP/1.1 200 '* ]]"]
ENTRYPOINT ["preceptor"]
CMD ["serve"]
