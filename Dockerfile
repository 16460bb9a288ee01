# The operator as a container image, for the Deployment in manifests/. Needs nothing but a Node base image:
#   docker build -t bmp-operator .
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package's own script runs: what the operator needs at run time has none.
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim AS operator
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules node_modules
COPY crds crds
COPY lib lib
COPY controllers controllers
# As the Deployment runs it; a number, so that runAsNonRoot can be judged.
USER 65532:65532
ENTRYPOINT ["node", "controllers/main.ts"]
CMD ["run"]

# What answers DHCP beside it, for manifests/components/dhcp; its rights are given there:
#   docker build --target dhcp -t bmp-dhcp .
FROM operator AS dhcp
USER 0:0
RUN apt-get update && apt-get install --yes --no-install-recommends dnsmasq-base ipxe && rm -rf /var/lib/apt/lists/*
CMD ["dhcp"]

# Without a target the operator is built.
FROM operator
