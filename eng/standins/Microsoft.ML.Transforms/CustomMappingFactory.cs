using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

public abstract class CustomMappingFactory<TSrc, TDst> : ICustomMappingFactory
    where TSrc : class, new()
    where TDst : class, new()
{
    protected CustomMappingFactory()
    {
    }

    public abstract Action<TSrc, TDst> GetMapping();

    ITransformer ICustomMappingFactory.CreateTransformer(IHostEnvironment env, string contractName) =>
        new CustomMappingTransformer<TSrc, TDst>(env, GetMapping(), contractName, null, null);
}

internal interface ICustomMappingFactory
{
    ITransformer CreateTransformer(IHostEnvironment env, string contractName);
}

[AttributeUsage(AttributeTargets.Class)]
public sealed class CustomMappingFactoryAttributeAttribute : ExtensionBaseAttribute
{
    public CustomMappingFactoryAttributeAttribute(string contractName)
        : base(contractName)
    {
    }
}
