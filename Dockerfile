# Built in one image, run in another that holds nothing but the program and the roots of TLS.

FROM node:20-bookworm-slim AS web
WORKDIR /build/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm install --no-save
COPY openapi.json /build/
COPY web ./
RUN npm run build

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# The dependencies alone first, so that a change of the source does not build them again.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY bench/Cargo.toml bench/
RUN mkdir -p src tests/it bench/src \
    && echo 'fn main() {}' | tee src/main.rs bench/src/main.rs > tests/it/main.rs \
    && touch src/lib.rs \
    && cargo build --locked --release --features postgres-tls \
    && rm -rf src tests bench/src
COPY . .
COPY --from=web /build/web/dist web/dist
# Newer than what was built for the dependencies' sake.
RUN find src -name '*.rs' -exec touch {} + && cargo build --locked --release --features postgres-tls

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home switchboard \
    && install -d -o switchboard -g switchboard -m 700 /data
COPY --from=build /build/target/release/switchboard /usr/local/bin/switchboard
USER switchboard
WORKDIR /data
EXPOSE 8080
VOLUME /data
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=5 \
    CMD ["switchboard", "health", "--listen", "127.0.0.1:8080"]
ENTRYPOINT ["switchboard"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--data", "/data"]
