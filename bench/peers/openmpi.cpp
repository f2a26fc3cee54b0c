// Open MPI, two ranks: rank 0 asks, rank 1 answers. Open MPI waits by spinning, which takes a CPU at each side for as
// long as it waits; between the rows rank 1 sleeps here, or it would take that CPU from what is measured next.

#include <mpi.h>

#include <array>
#include <chrono>
#include <thread>

#include "serve.hpp"

namespace {

enum Kind { round_trips, calls, bulk, end };
struct Request {
  int kind = end;
  int count = 0;
};
constexpr int request_tag = 1, data_tag = 2;

// Each side has at most open_calls messages under way.
class Window {
 public:
  Window() : requests_(peers::open_calls, MPI_REQUEST_NULL) {}
  ~Window() { MPI_Waitall(peers::open_calls, requests_.data(), MPI_STATUSES_IGNORE); }
  MPI_Request& free_slot(int i) {
    auto& slot = requests_[static_cast<std::size_t>(i % peers::open_calls)];
    MPI_Wait(&slot, MPI_STATUS_IGNORE);
    return slot;
  }

 private:
  std::vector<MPI_Request> requests_;
};

void answer_all() {
  std::array<char, 64> message;
  std::vector<double> values(peers::bulk_doubles);
  for (Request request;;) {
    int there = 0;
    while (MPI_Iprobe(0, request_tag, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE) == MPI_SUCCESS && !there)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    MPI_Recv(&request, 2, MPI_INT, 0, request_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (request.kind == end) return;
    for (int i = 0; i < request.count; i++) {
      if (request.kind == round_trips) {
        MPI_Recv(message.data(), 64, MPI_CHAR, 0, data_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Send(message.data(), 64, MPI_CHAR, 0, data_tag, MPI_COMM_WORLD);
      } else if (request.kind == calls) {
        MPI_Recv(message.data(), 1, MPI_INT, 0, data_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Send(message.data(), 1, MPI_INT, 0, data_tag, MPI_COMM_WORLD);
      } else {
        MPI_Recv(values.data(), int(values.size()), MPI_DOUBLE, 0, data_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Send(message.data(), 8, MPI_CHAR, 0, data_tag, MPI_COMM_WORLD);
      }
    }
  }
}

void request(Kind kind, int count) {
  const Request next{kind, count};
  MPI_Send(&next, 2, MPI_INT, 1, request_tag, MPI_COMM_WORLD);
  if (kind != end) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // rank 1 is awake and spins
}

peers::Times ask(Kind kind, int count, const void* data, int size, MPI_Datatype type) {
  std::array<char, 64> reply;
  request(kind, count);
  return peers::times_of(count, [&] {
    MPI_Send(data, size, type, 1, data_tag, MPI_COMM_WORLD);
    MPI_Recv(reply.data(), 64, MPI_CHAR, 1, data_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  });
}

peers::Times pipelined(int count) {
  request(calls, count);
  std::vector<int> sent(peers::open_calls), received(peers::open_calls);
  return {peers::time_of([&] {
    Window sends, receives;
    for (int i = 0; i < count; i++) {
      const auto place = static_cast<std::size_t>(i % peers::open_calls);
      MPI_Irecv(&received[place], 1, MPI_INT, 1, data_tag, MPI_COMM_WORLD, &receives.free_slot(i));
      MPI_Isend(&sent[place], 1, MPI_INT, 1, data_tag, MPI_COMM_WORLD, &sends.free_slot(i));
    }
  })};
}

}  // namespace

int main(int argc, char** argv) {
  int rank = 0, size = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (rank == 1) {
    answer_all();
  } else if (rank == 0 && size == 2) {
    const std::array<char, 64> message{};
    const std::vector<double> values(peers::bulk_doubles, 1.0);
    peers::serve({{"round_trip", [&](int n) { return ask(round_trips, n, message.data(), 64, MPI_CHAR); }},
                  {"calls", pipelined},
                  {"bulk", [&](int n) { return ask(bulk, n, values.data(), int(values.size()), MPI_DOUBLE); }}});
    request(end, 0);
  }
  return MPI_Finalize();
}
