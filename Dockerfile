# Punctual on the Node major it is tested with. `.cicd/build-image` builds this with Docker or, where there is none, with
# buildah. The image brings its own Node, so the runtime among the optional dependencies stays out of it.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional
COPY tsconfig.json tsconfig.build.json ./
COPY .cicd/build.ts .cicd/
COPY migrations migrations
COPY src src
RUN npm run build

FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Nothing reads the packages' source maps and type declarations at run time, and they are a third of the whole.
RUN npm ci --omit=dev --omit=optional \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM node:26-slim
ENV NODE_ENV=production
# A container is reached from outside, and there Punctual does not start without keys: set API_KEYS (or
# ALLOW_ANONYMOUS=true where the network is closed to everybody else).
ENV HOST=0.0.0.0 PORT=8080

WORKDIR /app
# Where the default, sqlite:data/punctual.db, keeps its file: name a volume for this folder or DATABASE_URL. The rest
# belongs to root, so that the service cannot change its own code.
RUN mkdir data && chown node:node data
VOLUME /app/data
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# `node` by its number: Kubernetes' runAsNonRoot cannot know what a name stands for.
USER 1000:1000
EXPOSE 8080

# By node, as the slim image has no curl. Connecting to 0.0.0.0 reaches this very host.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["node", "-e", \
  "const { HOST, PORT } = process.env; const host = HOST.includes(':') ? '[' + HOST + ']' : HOST; fetch('http://' + host + ':' + PORT + '/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

# Node itself, not npm, which would keep SIGTERM to itself: the service takes up to 28 s to finish what it has begun.
#
# The bounds on its memory are generous for what it holds, and make V8 collect garbage while there is little of it:
# without them the same load takes 150 MB more. New objects have their 16 MB from the start: V8 would grow to them over
# many minutes of steady load, which looks like a leak. Nor may V8 place objects among the old ones because those made by
# the same line lived long in a crowd: each keeps alive whatever it points to, and requests went from 82 to 130 µs of a core.
CMD ["node", "--max-old-space-size=512", "--min-semi-space-size=16", "--max-semi-space-size=16", "--no-allocation-site-pretenuring", "dist/src/start.js"]

# Last, for these change with every build.
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Punctual" \
  org.opencontainers.image.description="A durable timer service: calls a URL at a given time, on the millisecond, through crashes, on any number of replicas." \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.created="$CREATED" \
  org.opencontainers.image.source="$SOURCE"
