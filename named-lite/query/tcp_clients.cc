#include "named-lite/query/tcp_clients.h"

#include <sys/socket.h>

#include <algorithm>

namespace umaya::named {

TcpClients::Place::Place(TcpClients& clients, int fd, const net::IpAddress& client)
    : clients_(clients), fd_(fd), client_(client.unmapped().bytes().substr(0, 8)) {
  clients_.make_room(client_);
  at_ = clients_.by_use_.insert(clients_.by_use_.end(), this);
  if (clients_.page_ != nullptr) clients_.page_->add(Count::tcp_connections);
  clients_.count_now();
}

TcpClients::Place::~Place() {
  if (!ending_) clients_.by_use_.erase(at_);
  clients_.count_now();
}

void TcpClients::Place::used() {
  if (!ending_) clients_.by_use_.splice(clients_.by_use_.end(), clients_.by_use_, at_);
}

void TcpClients::count_in(PageNumbers& page) {
  page_ = &page;
  count_now();
}

void TcpClients::count_now() const {
  if (page_ != nullptr) page_->set(Count::tcp_clients, by_use_.size());
}

void TcpClients::end(Place& place) {
  by_use_.erase(place.at_);
  place.ending_ = true;
  shutdown(place.fd_, SHUT_RDWR);
}

void TcpClients::make_room(const std::string& client) {
  auto is_same = [&](const Place* each) { return each->client_ == client; };
  auto own = static_cast<size_t>(std::count_if(by_use_.begin(), by_use_.end(), is_same));
  if (own >= std::max<size_t>(most_ / 2, 1)) {
    end(**std::find_if(by_use_.begin(), by_use_.end(), is_same));
  } else if (by_use_.size() >= most_) {
    end(*by_use_.front());
  }
}

}  // namespace umaya::named
