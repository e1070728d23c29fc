namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Looks into chains of transformers.</summary>
internal static class Transformers
{
    /// <summary>The last transformer of a type: the one given, or in the depth of a chain. Null when there is none.</summary>
    public static T? Last<T>(ITransformer transformer)
        where T : class, ITransformer => transformer switch
        {
            T found => found,
            IEnumerable<ITransformer> chain => chain.Reverse().Select(Last<T>).FirstOrDefault(found => found is not null),
            _ => null,
        };
}
