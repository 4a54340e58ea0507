#include "store/attempts.h"

#include <algorithm>

#include "store/pack.h"

namespace store {

using base::Result;

namespace {

// -1 says "never came to it" outside and is NULL here.
std::optional<int64_t> Measured(int64_t us) { return us < 0 ? std::nullopt : std::optional<int64_t>(us); }

std::optional<std::string_view> TextOrNull(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

std::optional<Blob> BytesOrNull(const std::string& bytes) {
  return bytes.empty() ? std::nullopt : std::optional<Blob>(Blob{bytes});
}

std::string PackLines(const std::string& lines, const std::string& delivery) {
  return lines.empty() ? std::string() : Pack(PackKind::kHeaders, lines, delivery);
}

}  // namespace

int64_t InsertAttempt(Writing& w, base::DeliveryId delivery, int64_t previous, int number, const Attempt& a) {
  const std::string name = Format(delivery);
  const std::string request = PackLines(a.request_headers, name);
  const std::string response = PackLines(a.response_headers, name);
  std::optional<base::WallTime> retry_at;
  if (a.decision.verb == hook::Verb::kRetry) retry_at = a.decision.retry_at;
  w.db.Exec("INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            kAccount, previous, number, a.started_at, a.outcome, a.decision.verb, a.decision.why,
            a.decision.attempts_used, retry_at, a.decision.pause_endpoint, a.decision.disable_endpoint,
            Measured(a.resolve_us), Measured(a.connect_us), Measured(a.tls_us), Measured(a.first_byte_us),
            Measured(a.total_us), a.response_code, a.response_cut, TextOrNull(a.address), TextOrNull(a.detail),
            BytesOrNull(request), BytesOrNull(response), BytesOrNull(a.response_body));
  return w.db.last_id();
}

Result<std::vector<Attempt>> ReadAttempts(Db& db, base::DeliveryId delivery, int64_t last, size_t limit) {
  const std::string name = Format(delivery);
  std::vector<Attempt> attempts;
  for (int64_t at = last; at != 0 && attempts.size() < limit;) {
    Rows rows = db.Query(
        "SELECT previous, number, started_at, outcome, verb, why, attempts_used, retry_at, pause_until, disabled, "
        "coalesce(resolve_us, -1), coalesce(connect_us, -1), coalesce(tls_us, -1), coalesce(first_byte_us, -1), "
        "coalesce(total_us, -1), response_code, response_cut, address, detail, request_headers, response_headers, "
        "response_body FROM attempts WHERE id = ?",
        at);
    if (!rows.Next()) break;
    Attempt a;
    std::string request, response;
    rows.Read(at, a.number, a.started_at, a.outcome, a.decision.verb, a.decision.why, a.decision.attempts_used,
              a.decision.retry_at, a.decision.pause_endpoint, a.decision.disable_endpoint, a.resolve_us, a.connect_us,
              a.tls_us, a.first_byte_us, a.total_us, a.response_code, a.response_cut, a.address, a.detail, request,
              response, a.response_body);
    RB_ASSIGN(a.request_headers, Unpack(PackKind::kHeaders, request, name));
    RB_ASSIGN(a.response_headers, Unpack(PackKind::kHeaders, response, name));
    attempts.push_back(std::move(a));
  }
  std::reverse(attempts.begin(), attempts.end());
  return attempts;
}

}  // namespace store
