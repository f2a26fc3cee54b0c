#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace cohort::contract {

/// A directory with an authority and certificates that it signed, removed at the end.
class Certificates {
 public:
  Certificates() {
    std::string name = std::filesystem::temp_directory_path() / "cohort-certificates-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    authority_key_ = new_key();
    authority_ = sign("authority", authority_key_.get(), 3600);
    save(file("ca.pem"), [&](std::FILE* out) { return PEM_write_X509(out, authority_.get()); });
  }
  ~Certificates() { std::filesystem::remove_all(directory_); }
  Certificates(const Certificates&) = delete;

  /// Makes NAME.pem and NAME.key. @param valid_for seconds from now; in the past: it has expired.
  void issue(const std::string& name, long valid_for = 3600) const {
    const Key key = new_key();
    const Certificate certificate = sign(name, key.get(), valid_for);
    save(file(name + ".pem"), [&](std::FILE* out) { return PEM_write_X509(out, certificate.get()); });
    save(file(name + ".key"),
         [&](std::FILE* out) { return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    std::filesystem::permissions(file(name + ".key"), std::filesystem::perms(0600));
  }

  std::string file(const std::string& name) const { return directory_ / name; }
  /// Options of the transport tls. @param authority whose ca.pem is believed.
  std::string options(const std::string& name, const Certificates& authority) const {
    return R"({"ca": ")" + authority.file("ca.pem") + R"(", "certificate": ")" + file(name + ".pem") +
           R"(", "key": ")" + file(name + ".key") + "\"}";
  }
  std::string options(const std::string& name) const { return options(name, *this); }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  static Key new_key() { return Key(EVP_EC_gen("P-256")); }

  Certificate sign(const std::string& name, EVP_PKEY* key, long valid_for) const {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), std::rand());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_for);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(authority_ ? authority_.get() : certificate.get()));
    if (!authority_) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(certificate.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    if (X509_sign(certificate.get(), authority_key_.get(), EVP_sha256()) == 0) throw std::runtime_error("X509_sign");
    return certificate;
  }

  template <class Write>
  static void save(const std::string& path, Write&& write) {
    std::FILE* out = std::fopen(path.c_str(), "w");
    const bool ok = out != nullptr && write(out) == 1;
    if (out != nullptr) std::fclose(out);
    if (!ok) throw std::runtime_error("cannot write " + path);
  }

  std::filesystem::path directory_;
  Key authority_key_;
  Certificate authority_;
};

}  // namespace cohort::contract
