using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Previews of what flows through a pipeline.</summary>
public static class DebuggerExtensions
{
    public static DataDebuggerPreview Preview(this IDataView data, int maxRows = DataDebuggerPreview.DefaultRows) => new(data, maxRows);

    public static DataDebuggerPreview Preview(this ITransformer transformer, IDataView data, int maxRows = DataDebuggerPreview.DefaultRows) =>
        new(transformer.Transform(data), maxRows);

    public static DataDebuggerPreview Preview(this IEstimator<ITransformer> estimator, IDataView data,
        int maxRows = DataDebuggerPreview.DefaultRows, int maxTrainingRows = DataDebuggerPreview.DefaultRows)
    {
        Guard.NotNull(estimator, nameof(estimator));
        Guard.NotNull(data, nameof(data));
        Guard.Argument(maxRows >= 0, nameof(maxRows));
        Guard.Argument(maxTrainingRows >= 0, nameof(maxTrainingRows));
        var training = new SkipTakeView(new LocalEnvironment(), data, skip: 0, take: maxTrainingRows);
        return new DataDebuggerPreview(estimator.Fit(training).Transform(data), maxRows);
    }

    public static DataDebuggerPreview Preview<TSource>(this IDataLoader<TSource> loader, TSource source, int maxRows = DataDebuggerPreview.DefaultRows) =>
        new(loader.Load(source), maxRows);
}
