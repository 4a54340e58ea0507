#!/usr/bin/env bash
# Verifies one request: WEBHOOK_SECRET=... verify.sh scalr|standard HEADERS_FILE BODY_FILE
# Exit code 0: valid, 1: refused, 2: wrong usage. WEBHOOK_TOLERANCE is in seconds: 300 unless set, 0 takes any time.
# Needs bash, openssl and GNU date. Not for sh: its echo may change the body, and it has no [[.
set -euo pipefail
export LC_ALL=C

if [[ $# != 3 || -z ${WEBHOOK_SECRET:-} ]]; then
  echo "usage: WEBHOOK_SECRET=... verify.sh scalr|standard HEADERS_FILE BODY_FILE" >&2
  exit 2
fi
scheme=$1 headers=$2 body=$3 tolerance=${WEBHOOK_TOLERANCE:-300}

refuse() {
  echo "refused: $1" >&2
  exit 1
}

# The value of a header that must be there exactly once.
header() {
  awk -v name="$1:" '
    { sub(/\r$/, "") }
    tolower(substr($0, 1, length(name))) == name { count++; value = substr($0, length(name) + 1) }
    END { gsub(/^[ \t]+|[ \t]+$/, "", value); if (count != 1) exit 1; printf "%s", value }
  ' "$headers" || refuse "$1 is not there exactly once"
}

to_hex() { od -An -v -tx1 | tr -d ' \n'; }

# hmac HEX_KEY: reads the message from standard input, so no byte of it passes through a shell variable.
hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary; }

# Compares under a random key, so that the time it takes says nothing about where two texts differ.
same() {
  local key
  key=$(openssl rand -hex 32)
  [[ $(printf '%s' "$1" | hmac "$key" | to_hex) == "$(printf '%s' "$2" | hmac "$key" | to_hex)" ]]
}

case $scheme in
  scalr)
    date=$(header date)
    signature=$(header x-signature)
    # Body and date are signed without anything between them: only this exact form tells where the date begins.
    [[ $date =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+0000$ ]] || refuse "the date is malformed"
    sent=$(date -u -d "$date" +%s 2>/dev/null) || refuse "there is no such date"
    key=$(printf '%s' "$WEBHOOK_SECRET" | to_hex)
    expected=$({ cat "$body" && printf '%s' "$date"; } | hmac "$key" | to_hex)
    same "$signature" "$expected" || refuse "the signature does not fit"
    ;;
  standard)
    id=$(header webhook-id)
    timestamp=$(header webhook-timestamp)
    signatures=$(header webhook-signature)
    [[ -n $id && $id != *.* ]] || refuse "the id is malformed"
    [[ $timestamp =~ ^[1-9][0-9]{0,10}$ ]] || refuse "the timestamp is malformed"
    sent=$timestamp
    if [[ $WEBHOOK_SECRET == whsec_* ]]; then
      key=$(printf '%s' "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | to_hex)
    else
      key=$(printf '%s' "$WEBHOOK_SECRET" | to_hex)
    fi
    [[ -n $key ]] || refuse "the secret is not whsec_ and base64"
    expected=v1,$({ printf '%s.%s.' "$id" "$timestamp" && cat "$body"; } | hmac "$key" | openssl base64 -A)
    fits=no
    read -ra entries <<<"$signatures"
    for entry in "${entries[@]}"; do
      if same "$entry" "$expected"; then fits=yes; fi
    done
    [[ $fits == yes ]] || refuse "no signature fits"
    ;;
  *)
    echo "there is no scheme $scheme" >&2
    exit 2
    ;;
esac

age=$(($(date +%s) - sent))
if ((tolerance > 0 && (age > tolerance || -age > tolerance))); then
  refuse "sent $age seconds ago"
fi
echo valid
