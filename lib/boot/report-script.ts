// The vendor-data script: it installs, on the first boot, what reports the system in at every boot.
//
// A script and not a cloud-config, so that no key of somebody's user data can displace it. It leaves a file under
// scripts/per-boot, which cloud-init runs right after (module scripts_per_boot comes after scripts_vendor). The file is
// Python, because cloud-init is, so every image that can read this seed can run it.
import type { SeedReport } from '../provision/protocol.ts';

const REPORT_PY = `#!/usr/bin/env python3
# Tells the operator of this machine that the system is up. Repeats until the operator has recorded it, in the background.
import hashlib, hmac, http.client, json, os, random, socket, ssl, subprocess, sys, time, urllib.parse

SEED = json.loads(r'''@SEED@''')

def read(path):
    with open(path) as file:
        return file.read().strip()

def addresses():
    listed = subprocess.run(["ip", "-j", "address", "show", "scope", "global"], capture_output=True, check=True)
    found = (info for link in json.loads(listed.stdout) for info in link.get("addr_info", []))
    return [info["local"] for info in found if "local" in info]

def post(report):
    url = urllib.parse.urlsplit(SEED["url"])
    # No authority signs the operator's certificate: it is known by its fingerprint, checked before anything is sent.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(url.hostname, url.port or 443, timeout=60, context=context)
    try:
        connection.connect()
        found = hashlib.sha256(connection.sock.getpeercert(binary_form=True)).hexdigest()
        if not hmac.compare_digest(found, SEED["fingerprint"]):
            raise OSError("the operator's certificate is not the one of the seed")
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + SEED["token"]}
        connection.request("POST", "/system/v1/report", json.dumps(report), headers)
        return connection.getresponse().status
    finally:
        connection.close()

def main():
    wait = 1.0
    while True:
        try:
            status = post({
                "instanceUID": SEED["instanceUID"],
                "bootID": read("/proc/sys/kernel/random/boot_id"),
                "hostname": socket.gethostname(),
                "addresses": addresses(),
            })
            if status in (204, 401):
                return
            print("bmp-report: the operator answered", status, file=sys.stderr)
        except Exception as error:  # whatever it is, the operator must hear of this boot in the end
            print("bmp-report:", error, file=sys.stderr)
        time.sleep(wait * random.uniform(0.5, 1.0))
        wait = min(wait * 2, 60.0)

# cloud-init waits for its scripts, and the operator may be away for long.
if os.fork() == 0:
    os.setsid()
    main()
`;

export function reportScript(report: SeedReport): string {
  const { url, fingerprint, token, instanceUID } = report;
  // JSON without a quote or a backslash that Python's raw literal or the here-document could take for theirs.
  const seed = JSON.stringify({ url, fingerprint, token, instanceUID }).replaceAll("'", '\\u0027');
  return `#!/bin/sh
set -eu
folder=/var/lib/cloud/scripts/per-boot
mkdir -p "$folder"
umask 077
cat > "$folder/bmp-report.new" <<'END_OF_REPORT'
${REPORT_PY.replace('@SEED@', () => seed)}END_OF_REPORT
chmod 0700 "$folder/bmp-report.new"
mv "$folder/bmp-report.new" "$folder/bmp-report"
`;
}
