# The bundle is one file; the image is Node and that file.
FROM node:26.10.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json bundle.ts ./
COPY src ./src
COPY gen ./gen
RUN npm run bundle

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=8 \
    INFOBIP_RPC_DATA_DIR=/data
COPY --from=build --chmod=0755 /build/dist/infobip-rpc.mjs /usr/local/bin/infobip-rpc
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
# gRPC, HTTP, webhooks, admin. Inside the container the API listeners stay on
# loopback (a sidecar shares the pod's network) unless the configuration says
# otherwise.
EXPOSE 50051 8080 8081 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["infobip-rpc"]
CMD ["serve"]
