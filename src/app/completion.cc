#include "app/completion.h"

#include <fmt/format.h>

namespace app {
namespace {

struct Word {
  std::string text, help;
};

// What can stand after the commands of `path` ("/delivery/list").
struct Place {
  std::string path;
  std::vector<Word> words;
};

void Collect(const Command& command, const std::string& path, std::vector<Place>& places) {
  Place place{path, {}};
  for (const Command& inner : command.commands) {
    if (!inner.hidden) place.words.push_back({inner.name, inner.summary});
  }
  for (const Option& option : command.options) {
    if (option.name.starts_with("-")) place.words.push_back({option.name, option.help});
  }
  place.words.push_back({"--help", "Show what is possible"});
  places.push_back(std::move(place));
  for (const Command& inner : command.commands) {
    if (!inner.hidden) Collect(inner, path + "/" + inner.name, places);
  }
}

std::vector<Place> CollectAll(const Command& root) {
  std::vector<Place> places;
  Collect(root, "", places);
  return places;
}

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// All paths but the root's as alternatives of a `case`.
std::string AllPaths(const std::vector<Place>& places) {
  std::string paths;
  for (const Place& place : places) {
    if (!place.path.empty()) paths += (paths.empty() ? "" : "|") + place.path;
  }
  return paths;
}

}  // namespace

std::string FormatBashCompletion(const Command& root) {
  auto places = CollectAll(root);
  std::string out = fmt::format(R"(# bash completion for runbell: source <(runbell completion bash)
_runbell() {{
  local path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path/${{COMP_WORDS[i]}}" in
      {}) path="$path/${{COMP_WORDS[i]}}" ;;
      *) break ;;
    esac
  done
  case "$path" in
)",
                                AllPaths(places));
  for (const Place& place : places) {
    std::string words;
    for (const Word& word : place.words) words += (words.empty() ? "" : " ") + word.text;
    out += fmt::format("    \"{}\") words=\"{}\" ;;\n", place.path, words);
  }
  return out + R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _runbell runbell
)";
}

std::string FormatZshCompletion(const Command& root) {
  auto places = CollectAll(root);
  std::string out = fmt::format(R"(#compdef runbell
# zsh completion for runbell: source <(runbell completion zsh)
_runbell() {{
  local path_="" i
  local -a words_
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_/${{words[i]}}" in
      {}) path_="$path_/${{words[i]}}" ;;
      *) break ;;
    esac
  done
  case "$path_" in
)",
                                AllPaths(places));
  for (const Place& place : places) {
    out += fmt::format("    \"{}\") words_=(", place.path);
    for (const Word& word : place.words) out += Quoted(word.text + ":" + word.help) + " ";
    out += ") ;;\n";
  }
  return out + R"(  esac
  _describe 'runbell' words_ || _files
}
compdef _runbell runbell
)";
}

std::string FormatFishCompletion(const Command& root) {
  auto places = CollectAll(root);
  std::string paths;
  for (const Place& place : places) {
    if (!place.path.empty()) paths += " " + place.path;
  }
  std::string out = fmt::format(R"(# fish completion for runbell: runbell completion fish | source
function __runbell_at
  set -l path ""
  for word in (commandline -opc)[2..-1]
    contains -- "$path/$word"{} || break
    set path "$path/$word"
  end
  test "$path" = "$argv[1]"
end
)",
                                paths);
  for (const Place& place : places) {
    for (const Word& word : place.words) {
      bool option = word.text.starts_with("--");
      out += fmt::format("complete -c runbell -n '__runbell_at \"{}\"' {} {} -d {}\n", place.path,
                         option ? "-l" : "-f -a", option ? word.text.substr(2) : word.text, Quoted(word.help));
    }
  }
  return out;
}

}  // namespace app
