# The relay as an image. `node scripts/check-dockerfile.js` runs every step of this file without an engine.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY migrations ./migrations
COPY config ./config
COPY workers ./workers
COPY src ./src
RUN node scripts/build.js

# The image's own Node runs the relay, so the one from npm is left out.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/node node_modules/.bin/node

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
# Library links of the embedded PostgreSQL, which the user below may not make.
RUN node -e "import('/app/dist/src/db/postgres-binaries.js').then((module) => module.findPostgresBinaries())" \
  && mkdir /data \
  && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
# ROLE=worker has no port; it ends where it can not go on.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "process.env.ROLE === 'worker' || fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=32", "--max-old-space-size=512", "dist/src/main.js"]
