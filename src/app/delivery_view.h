// Deliveries as people read them.
#pragma once

#include <string>

#include "app/table.h"
#include "base/json.h"

namespace app {

std::string FormatDeliveries(const base::json::array& deliveries);
// `delivery` is the resource, `attempts` the list of its attempts.
std::string FormatDelivery(const base::json::value& delivery, const base::json::array& attempts);
// One line for something that happened to a delivery: `change` is a row of the change feed.
std::string FormatDeliveryChange(const base::json::value& change, const base::json::value& delivery);

// Lines of "Label  value", values in one column; empty values are left out.
class Details {
 public:
  void Add(std::string label, std::string value);
  std::string Text() const;

 private:
  struct Line {
    std::string label, value;
  };
  std::vector<Line> lines_;
};

}  // namespace app
