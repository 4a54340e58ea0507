#include "app/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "app/table.h"

namespace app {
namespace {

bool IsHelp(const std::string& argument) { return argument == "-h" || argument == "--help"; }

const Command* FindCommand(const Command& group, std::string_view name) {
  for (const Command& command : group.commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string DidYouMean(std::string_view written, const std::vector<std::string_view>& names) {
  std::string_view nearest = NearestName(written, names);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

base::Error UnknownCommand(const Command& group, const std::string& name) {
  std::vector<std::string_view> names;
  for (const Command& command : group.commands) {
    if (!command.hidden) names.push_back(command.name);
  }
  return base::Invalid(fmt::format("no such command: {}{}", Harmless(name), DidYouMean(name, names)));
}

base::Error UnknownArgument(const Command& command, const std::string& argument) {
  if (!argument.starts_with("-")) return base::Invalid("one argument too many: " + Harmless(argument));
  std::vector<std::string_view> names;
  for (const Option& option : command.options) names.push_back(option.name);
  std::string name = argument.substr(0, argument.find('='));
  return base::Invalid(fmt::format("no such option: {}{}", Harmless(name), DidYouMean(name, names)));
}

void AddOption(CLI::App& parser, const Option& option) {
  CLI::Option* added = nullptr;
  if (auto flag = std::get_if<bool*>(&option.target)) {
    added = parser.add_flag(option.name, **flag);
  } else if (auto text = std::get_if<std::string*>(&option.target)) {
    added = parser.add_option(option.name, **text);
  } else if (auto number = std::get_if<int*>(&option.target)) {
    added = parser.add_option_function<std::string>(option.name, [&option, target = *number](const std::string& text) {
      auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), *target);
      if (fault == std::errc() && end == text.data() + text.size()) return;
      throw CLI::ValidationError(option.name, "\"" + text + "\" is not a whole number");
    });
  } else {
    added = parser.add_option(option.name, *std::get<std::vector<std::string>*>(option.target));
    // Otherwise a list option would swallow every argument after it.
    if (option.name.starts_with("-")) added->allow_extra_args(false);
  }
  added->required(option.required);
}

enum class Parsed { kRun, kHelp };

base::Result<Parsed> ParseArguments(const Command& command, std::vector<std::string> arguments) {
  auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (command.rest != nullptr && dashes != arguments.end()) {
    command.rest->assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  CLI::App parser;
  parser.allow_extras();
  for (const Option& option : command.options) AddOption(parser, option);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    parser.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return Parsed::kHelp;
  } catch (const CLI::ParseError& error) {
    auto extras = parser.remaining();
    if (!extras.empty()) return UnknownArgument(command, extras[0]);
    return base::Invalid(error.what());
  }
  auto extras = parser.remaining();
  if (!extras.empty()) return UnknownArgument(command, extras[0]);
  return Parsed::kRun;
}

int Report(const base::Error& error, const std::string& path, bool usage, Context& context) {
  std::string text = HarmlessLines(error.Text());
  bool one_line = text.find('\n') == std::string::npos;
  context.err(one_line ? fmt::format("{}: {}\n", path, text) : fmt::format("{}:\n{}\n", path, text));
  if (usage) context.err(fmt::format("`{} --help` shows what is possible.\n", path));
  return usage || error.code == base::Code::kInvalid ? kExitUsage : kExitFailed;
}

void AppendWrapped(std::string& out, std::string_view text, size_t indent) {
  constexpr size_t kWidth = 79;  // of the narrowest terminal that is common
  size_t column = indent;
  while (!text.empty()) {
    size_t blank = std::min(text.find(' '), text.size());
    if (column > indent && column + blank + 1 > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      column++;
    }
    out += text.substr(0, blank);
    column += blank;
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  out += '\n';
}

// Lines of a paragraph are wrapped anew, indented ones are shown as they are.
void AppendDetails(std::string& out, std::string_view text) {
  std::string paragraph;
  auto flush = [&] {
    if (!paragraph.empty()) AppendWrapped(out, paragraph, 0);
    paragraph.clear();
  };
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    bool as_it_is = line.empty() || line.starts_with(' ');
    if (as_it_is) flush();
    if (as_it_is) out.append(line).append("\n");
    if (!as_it_is) paragraph.append(paragraph.empty() ? "" : " ").append(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  flush();
}

struct HelpLine {
  std::string term, text;
};

void AppendList(std::string& out, std::string_view title, const std::vector<HelpLine>& lines) {
  if (lines.empty()) return;
  size_t widest = 0;
  for (const HelpLine& line : lines) widest = std::max(widest, line.term.size());
  size_t indent = std::min<size_t>(widest, 24) + 4;
  out += fmt::format("\n{}:\n", title);
  for (const HelpLine& line : lines) {
    out += "  " + line.term;
    bool fits = line.term.size() + 4 <= indent;
    out += fits ? std::string(indent - 2 - line.term.size(), ' ') : "\n" + std::string(indent, ' ');
    AppendWrapped(out, line.text, indent);
  }
}

bool IsPlaced(const Option& option) { return !option.name.starts_with("-"); }
bool IsMany(const Option& option) { return std::holds_alternative<std::vector<std::string>*>(option.target); }

std::string FormatUsage(const Command& command, const std::string& path) {
  std::string usage = "Usage: " + path;
  if (!command.commands.empty()) return usage + " COMMAND ...";
  bool options = false;
  for (const Option& option : command.options) {
    if (IsPlaced(option)) continue;
    if (option.required) usage += fmt::format(" {} {}", option.name, option.value);
    options = options || !option.required;
  }
  if (options) usage += " [options]";
  for (const Option& option : command.options) {
    if (!IsPlaced(option)) continue;
    std::string name = option.name + (IsMany(option) ? "..." : "");
    usage += option.required ? " " + name : " [" + name + "]";
  }
  if (command.rest != nullptr) usage += " -- " + command.rest_name;
  return usage;
}

}  // namespace

std::string FormatHelp(const Command& command, const std::string& path) {
  std::string out = command.summary + "\n\n" + FormatUsage(command, path) + "\n";
  std::vector<HelpLine> commands, arguments, options;
  for (const Command& inner : command.commands) {
    if (!inner.hidden) commands.push_back({inner.name, inner.summary});
  }
  for (const Option& option : command.options) {
    std::string term = option.value.empty() || IsPlaced(option) ? option.name : option.name + " " + option.value;
    std::string help = option.help + (IsMany(option) && !IsPlaced(option) && !option.once ? " Repeatable." : "");
    (IsPlaced(option) ? arguments : options).push_back({std::move(term), std::move(help)});
  }
  AppendList(out, "Commands", commands);
  AppendList(out, "Arguments", arguments);
  AppendList(out, "Options", options);
  if (!command.details.empty()) out += "\n";
  AppendDetails(out, command.details);
  return out;
}

int RunCommandLine(const Command& root, const std::vector<std::string>& arguments, Context& context) {
  const Command* command = &root;
  std::string path = root.name;
  size_t next = 0;
  while (!command->commands.empty()) {
    if (next == arguments.size() || IsHelp(arguments[next])) {
      bool asked = next < arguments.size();
      std::string help = FormatHelp(*command, path);
      if (asked) context.out(help);
      if (!asked) context.err(help);
      return asked ? kExitOk : kExitUsage;
    }
    const std::string& name = arguments[next];
    const Command* inner = FindCommand(*command, name);
    if (inner == nullptr) {
      auto error = name.starts_with("-") ? UnknownArgument(*command, name) : UnknownCommand(*command, name);
      return Report(error, path, true, context);
    }
    command = inner;
    path += " " + name;
    next++;
  }
  auto begin = arguments.begin() + static_cast<std::ptrdiff_t>(next);
  auto parsed = ParseArguments(*command, {begin, arguments.end()});
  if (!parsed) return Report(parsed.error(), path, true, context);
  if (*parsed == Parsed::kHelp) {
    context.out(FormatHelp(*command, path));
    return kExitOk;
  }
  auto code = command->run();
  if (!code) return Report(code.error(), path, false, context);
  return *code;
}

}  // namespace app
