/// The version of netdrift: the one place that says it.
public enum Version {
    /// Semantic version.
    public static let number = "0.1.0"
}
