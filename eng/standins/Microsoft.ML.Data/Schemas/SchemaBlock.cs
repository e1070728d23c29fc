using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A schema as a model file holds it: an ML.NET binary table without rows.</summary>
internal static class SchemaBlock
{
    public static void Write(IHostEnvironment env, DataViewSchema schema, Stream stream) => throw new NotImplementedException();

    public static DataViewSchema Read(IHostEnvironment env, Stream stream) => throw new NotImplementedException();
}
