// namespace
