// Error documents: how an Error looks to a client of the API.
//
//   code           status  title                 source
//   kInvalid       422     Invalid Attribute     pointer /data/attributes/...
//                          Invalid Relationship  pointer /data/relationships/...
//                          Invalid Parameter     parameter filter[...], sort, include, page[...], ...
//                          Validation Error      none
//   kNotFound      404     "Run with ID 'run-...' not found or user unauthorized."
//   kDenied        404     the same sentence; 403 Forbidden for a creation, which names no thing of its own
//   kConflict      409     Conflict
//   kGone          410     Gone
//   kTooLarge      413     Payload Too Large
//   kUnavailable   503     Service Unavailable, with Retry-After
//   kTimeout       504     Gateway Timeout
//   none           400, 408, 414, 431, 501, 505: what the HTTP server refuses by itself
//   kCorrupt, kInternal    500     Internal Server Error; what happened goes to the log only
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "net/net.h"

namespace serve {

// The sentence that the contract has for things which are not there, or not for this token.
std::string NotFoundTitle(std::string_view kind, std::string_view id);
// A relationship of the request names something that is not there.
base::Error NotFound(std::string_view kind, std::string_view id, std::string_view relationship);

base::Error InvalidAttribute(std::string_view name, std::string message);
base::Error InvalidRelationship(std::string_view name, std::string message);
base::Error InvalidParameter(std::string_view name, std::string message);

// What the request was about: gives "not found" its words.
struct Subject {
  std::string_view kind;  // "Run"
  std::string_view id;    // empty: the request creates or lists
};
net::Response ErrorResponse(const base::Error& error, const Subject& subject);
// For what is decided before any handler: 401, 405, 415, ...
net::Response ErrorResponse(int status, std::string_view detail = {});

// `text` with every malformed UTF-8 sequence replaced by U+FFFD: bytes from outside may go into a document.
std::string CleanText(std::string_view text);

}  // namespace serve
