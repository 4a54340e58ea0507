#include "support/fault_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <climits>

#include "base/log.h"

namespace testing_support {

struct FaultVfs::State {
  std::string name;
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::atomic<int> steps{0};
  std::atomic<bool> fired{false};
  // Set while no other thread is in the VFS.
  int first = INT_MAX, last = INT_MAX;
  Fault fault = Fault::kIoError;

  // Whether the step that is about to be made fails.
  bool Step() {
    const int step = ++steps;
    if (step < first || step > last) return false;
    fired = true;
    return true;
  }
};

namespace {

struct File {
  sqlite3_file base;
  FaultVfs::State* state;
  sqlite3_file* real;  // lies behind this
};

File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* Real(sqlite3_file* file) { return Of(file).real; }
FaultVfs::State& StateOf(sqlite3_vfs* vfs) { return *static_cast<FaultVfs::State*>(vfs->pAppData); }
sqlite3_vfs* Real(sqlite3_vfs* vfs) { return StateOf(vfs).real; }

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  FaultVfs::State& state = *Of(file).state;
  sqlite3_file* real = Real(file);
  if (!state.Step()) return real->pMethods->xWrite(real, bytes, size, at);
  switch (state.fault) {
    case FaultVfs::Fault::kFull: return SQLITE_FULL;
    case FaultVfs::Fault::kShortWrite: real->pMethods->xWrite(real, bytes, size / 2, at); return SQLITE_IOERR_WRITE;
    case FaultVfs::Fault::kIoError: return SQLITE_IOERR_WRITE;
  }
  return SQLITE_IOERR_WRITE;
}

int Sync(sqlite3_file* file, int flags) {
  if (Of(file).state->Step()) return SQLITE_IOERR_FSYNC;
  return Real(file)->pMethods->xSync(Real(file), flags);
}

// Everything else goes straight through.
const sqlite3_io_methods kMethods = {
    .iVersion = 2,  // without memory mapping, which would pass the counting by
    .xClose = [](sqlite3_file* f) { return Real(f)->pMethods->xClose(Real(f)); },
    .xRead = [](sqlite3_file* f, void* to, int size,
                sqlite3_int64 at) { return Real(f)->pMethods->xRead(Real(f), to, size, at); },
    .xWrite = Write,
    .xTruncate = [](sqlite3_file* f, sqlite3_int64 size) { return Real(f)->pMethods->xTruncate(Real(f), size); },
    .xSync = Sync,
    .xFileSize = [](sqlite3_file* f, sqlite3_int64* size) { return Real(f)->pMethods->xFileSize(Real(f), size); },
    .xLock = [](sqlite3_file* f, int lock) { return Real(f)->pMethods->xLock(Real(f), lock); },
    .xUnlock = [](sqlite3_file* f, int lock) { return Real(f)->pMethods->xUnlock(Real(f), lock); },
    .xCheckReservedLock = [](sqlite3_file* f,
                             int* held) { return Real(f)->pMethods->xCheckReservedLock(Real(f), held); },
    .xFileControl = [](sqlite3_file* f, int what,
                       void* with) { return Real(f)->pMethods->xFileControl(Real(f), what, with); },
    .xSectorSize = [](sqlite3_file* f) { return Real(f)->pMethods->xSectorSize(Real(f)); },
    .xDeviceCharacteristics = [](sqlite3_file* f) { return Real(f)->pMethods->xDeviceCharacteristics(Real(f)); },
    .xShmMap = [](sqlite3_file* f, int region, int size, int extend,
                  void volatile** to) { return Real(f)->pMethods->xShmMap(Real(f), region, size, extend, to); },
    .xShmLock = [](sqlite3_file* f, int offset, int count,
                   int flags) { return Real(f)->pMethods->xShmLock(Real(f), offset, count, flags); },
    .xShmBarrier = [](sqlite3_file* f) { Real(f)->pMethods->xShmBarrier(Real(f)); },
    .xShmUnmap = [](sqlite3_file* f, int remove) { return Real(f)->pMethods->xShmUnmap(Real(f), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  File& ours = Of(file);
  ours.state = &StateOf(vfs);
  ours.real = reinterpret_cast<sqlite3_file*>(&ours + 1);
  const int code = Real(vfs)->xOpen(Real(vfs), path, ours.real, flags, out_flags);
  ours.base.pMethods = ours.real->pMethods != nullptr ? &kMethods : nullptr;
  return code;
}

}  // namespace

FaultVfs::FaultVfs(const std::string& name) : state_(new State) {
  state_->name = name;
  state_->real = sqlite3_vfs_find(nullptr);
  RB_CHECK(state_->real != nullptr && sqlite3_vfs_find(name.c_str()) == nullptr);
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->real->szOsFile;
  vfs.mxPathname = state_->real->mxPathname;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = Open;
  vfs.xDelete = [](sqlite3_vfs* v, const char* path, int sync) { return Real(v)->xDelete(Real(v), path, sync); };
  vfs.xAccess = [](sqlite3_vfs* v, const char* path, int flags, int* out) {
    return Real(v)->xAccess(Real(v), path, flags, out);
  };
  vfs.xFullPathname = [](sqlite3_vfs* v, const char* path, int size, char* out) {
    return Real(v)->xFullPathname(Real(v), path, size, out);
  };
  vfs.xRandomness = [](sqlite3_vfs* v, int size, char* out) { return Real(v)->xRandomness(Real(v), size, out); };
  vfs.xSleep = [](sqlite3_vfs* v, int us) { return Real(v)->xSleep(Real(v), us); };
  vfs.xCurrentTime = [](sqlite3_vfs* v, double* out) { return Real(v)->xCurrentTime(Real(v), out); };
  vfs.xGetLastError = [](sqlite3_vfs* v, int size, char* out) { return Real(v)->xGetLastError(Real(v), size, out); };
  vfs.xCurrentTimeInt64 = [](sqlite3_vfs* v, sqlite3_int64* out) { return Real(v)->xCurrentTimeInt64(Real(v), out); };
  RB_CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&state_->vfs); }

const std::string& FaultVfs::name() const { return state_->name; }

void FaultVfs::Arm(int at, Fault fault, Lasting lasting) {
  state_->steps = 0;
  state_->fired = false;
  state_->fault = fault;
  state_->first = at;
  state_->last = lasting == Lasting::kOnce ? at : INT_MAX;
}

void FaultVfs::Disarm() { Arm(INT_MAX, Fault::kIoError, Lasting::kOnce); }
int FaultVfs::steps() const { return state_->steps; }
bool FaultVfs::fired() const { return state_->fired; }

}  // namespace testing_support
